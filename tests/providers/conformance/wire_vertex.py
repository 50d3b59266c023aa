"""Gemini by Vertex AI, read by the SDK ``google-genai`` with made-up credentials."""

from conformance_kit import Wire
from google.oauth2.credentials import Credentials
from wire_gemini import asking, in_memory, sent

OPTIONS = {
    "vertexai": True,
    "project": "shop-1",
    "location": "europe-west1",
    "credentials": Credentials(token="t"),  # noqa: S106 - made up
}

WIRE = Wire(
    provider="vertex",
    sent=sent(),
    parse=in_memory(**OPTIONS),
    ask=asking(**OPTIONS),
    model="gemini-sim",
    place={"project": "shop-1", "region": "europe-west1", "api_version": "v1beta1"},
)
