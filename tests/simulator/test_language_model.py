import math

import pytest

from contractcheck.simulator.keyed import keyed_random
from contractcheck.simulator.language_model import START, load_language_model, train
from contractcheck.simulator.nights import NightEffect
from contractcheck.simulator.passages import load_topics, split_tokens, unfold
from contractcheck.simulator.voice import find_voice

QUIET = NightEffect(key="0/quiet", logit_sd=0.0, latency_factor=1.0)


def speak(prompt, count, *, temperature=1.0, top_p=1.0, model="sim", night=QUIET):
    voice = find_voice(prompt, model_name=model, night=night, temperature=temperature, top_p=top_p)
    return [
        "".join(t.text for t in voice.speak(keyed_random(str(i)), max_tokens=60))
        for i in range(count)
    ]


def unigrams(texts):
    words = [word for text in texts for word in split_tokens(text)]
    return {word: words.count(word) / len(words) for word in set(words)}


def total_variation(left, right):
    a, b = unigrams(left), unigrams(right)
    return sum(abs(a.get(w, 0) - b.get(w, 0)) for w in a.keys() | b.keys()) / 2


def test_unfolding_uses_every_alternative_and_leaves_no_bracket():
    variants = unfold("The [red|green|blue] [car|boat] is [fast|slow|old|new|here].")
    text = " ".join(variants)
    for word in ("red", "green", "blue", "car", "boat", "fast", "slow", "old", "new", "here"):
        assert word in text
    assert "[" not in text
    assert len(set(variants)) > 6


def test_the_corpus_is_several_thousand_words_of_whole_sentences():
    topics = load_topics()
    words = sum(len(sentence) for sentences in topics.values() for sentence in sentences)
    assert len(topics) >= 5
    assert words > 8000
    assert all(sentence[-1] in ".?!" for sentences in topics.values() for sentence in sentences)


def test_what_follows_is_a_probability_distribution():
    model = load_language_model()
    mix = [1.0] * len(model.topics)
    for before, last in list(model.trigrams)[:200]:
        _, logits = model.follow(before, last, mix)
        assert math.isclose(sum(map(math.exp, logits)), 1.0, rel_tol=1e-9)


def test_back_off_answers_unseen_contexts():
    model = train({"only": [["a", "b", "c", "."], ["b", "d", "."]]})
    unseen = model.words.index("d"), model.words.index("b")
    ids, _ = model.follow(*unseen, [1.0])
    assert {model.words[i] for i in ids} == {"c", "d"}
    assert START not in ids


def test_the_prompt_picks_the_topic():
    refund = " ".join(speak("I want a refund: this invoice charge and payment are wrong.", 40))
    flight = " ".join(speak("My flight and hotel: departure, luggage, ticket, airport.", 40))
    billing = ("refund", "bank", "card", "charge", "price")
    travel = ("flight", "hotel", "departure", "airport", "tram", "luggage", "ticket")
    assert sum(refund.count(w) for w in billing) > 3 * sum(flight.count(w) for w in billing)
    assert sum(flight.count(w) for w in travel) > 3 * sum(refund.count(w) for w in travel)


@pytest.mark.parametrize("change", [{"model": "other"}, {"prompt": "Explain the refund now"}])
def test_other_prompts_and_models_have_other_stable_distributions(change):
    base = {"prompt": "Explain the refund", "count": 150}
    first, again, other = speak(**base), speak(**base), speak(**{**base, **change})
    assert first == again
    halves = total_variation(first[:75], first[75:])
    assert total_variation(first, other) > 1.3 * halves


def test_temperature_spreads_the_words():
    distinct = [len(set(speak("Tell me more", 60, temperature=t))) for t in (0.0, 0.3, 1.5)]
    assert distinct[0] == 1
    assert distinct[0] < distinct[1] < distinct[2]


def test_a_small_nucleus_is_nearly_greedy():
    assert len(set(speak("Tell me more", 40, top_p=0.05))) <= 3
