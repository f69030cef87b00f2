"""Ask MODEL, a GGUF file, everything of some kinds that the corpus teaches; print how many answers are right.

Every question is asked alone, at temperature 0, through llama-server; an answer is right if it contains what it should.
The questions are phrasings of the training text: this measures what was kept, not what was understood.
"""

import argparse
import pathlib

from chat import article
from common import needed
from llama_server import LlamaServer
from world import ANIMALS, CAPITALS, DAYS, MONTHS, NUMBERS, OPPOSITES


def after(word, names):
    return [(f"What {word} comes after {name}?", f"comes {names[(i + 1) % len(names)]}.") for i, name in enumerate(names)]


def questions():
    """Each kind with its pairs of a question and what a right answer contains."""
    numbers = range(1, 20)
    return {
        "capitals": [(f"What is the capital of {c}?", f"is {city.removesuffix('.')}.") for c, city in CAPITALS.items()],
        "young animals": [(f"What is a young {a} called?", f"called {article(facts[2])}.") for a, facts in ANIMALS.items()],
        "legs": [(f"How many legs does {article(a)} have?", f"has {NUMBERS[facts[0]] if facts[0] else 'no'} legs.")
                 for a, facts in ANIMALS.items()],
        "opposites": [(f"What is the opposite of {a}?", f"is {b}.") for a, b in OPPOSITES],
        "days and months": after("day", DAYS) + after("month", MONTHS),
        "sums to 20, digits": [(f"What is {a} + {b}?", f"= {a + b}.") for a in numbers for b in range(1, 21 - a)],
        "sums to 20, words": [(f"What is {NUMBERS[a]} plus {NUMBERS[b]}?", f"is {NUMBERS[a + b]}.")
                              for a in numbers for b in range(1, 21 - a)],
        "differences, digits": [(f"What is {a} - {b}?", f"= {a - b}.") for a in range(2, 21) for b in range(1, a)],
        "differences, words": [(f"What is {NUMBERS[a]} minus {NUMBERS[b]}?", f"is {NUMBERS[a - b]}.")
                               for a in range(2, 21) for b in range(1, a)],
    }


def ask(server, question):
    answer = server.post("/v1/chat/completions", messages=[{"role": "user", "content": question}], temperature=0,
                         max_tokens=60)
    return answer["choices"][0]["message"]["content"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--wrong", action="store_true", help="also print the wrong answers")
    args = parser.parse_args()
    with LlamaServer(needed(args.model, "give a GGUF file, such as models/hypr-tiny-q8_0.gguf")) as server:
        for kind, pairs in questions().items():
            answers = [(question, ask(server, question), right) for question, right in pairs]
            wrong = [(question, answer) for question, answer, right in answers if right not in answer]
            print(f"{kind}: {len(pairs) - len(wrong)} of {len(pairs)}", flush=True)
            for question, answer in wrong if args.wrong else []:
                print(f"  {question} {answer}")


if __name__ == "__main__":
    main()
