"""The template language of the corpus: "[one|two|three]" picks one option (brackets nest), "{name}" is filled
from a dictionary, and tidy() repairs articles and capitals."""

import re

CHOICE = re.compile(r"\[([^\[\]]*)\]")
ARTICLE = re.compile(r"\b([Aa]) (?!one|use|uni|eu|ufo)(?=[aeiouAEIOU])")
SENTENCE_START = re.compile(r"(^|[.!?] |\.\" |\n)(\"?)([a-z])")


def tidy(text):
    text = re.sub(r" +", " ", text).replace(" .", ".").replace(" ,", ",").strip()
    text = ARTICLE.sub(r"\1n ", text)
    return SENTENCE_START.sub(lambda match: match[1] + match[2] + match[3].upper(), text)


def expand(rng, template, words=None):
    """Resolve every choice, fill the slots, and tidy the result."""
    while CHOICE.search(template):
        template = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), template)
    return tidy(template.format_map(words or {}))
