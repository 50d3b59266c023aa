"""One pure ``render(report) -> str`` per format; ``formats`` names them."""
