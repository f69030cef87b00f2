"""Write three small training sets for LoRA adapters, and a held-out file for each, as JSONL into OUT.

Each line has a "prompt" and a "completion". The files are always the same, byte by byte.

pirate: questions of the small world, answered in pirate speak (a style).
facts:  25 facts about Pellwick, a town that does not exist (new knowledge); of the eleven phrasings of each fact,
        two are held out.
haiku:  three-line poems about given things (a form); the held-out poems have other subjects.
"""

import argparse
import json
import pathlib
import random

import chat
from grammar import expand, tidy

PIRATE_WORDS = {"you": "ye", "your": "yer", "my": "me", "is": "be", "are": "be", "am": "be", "yes": "aye",
                "no,": "nay,", "hello": "ahoy", "hi": "ahoy", "of": "o'", "and": "an'", "friend": "matey", "the": "th'"}
PIRATE_START = ["Arr! ", "Arr, matey! ", "Ahoy! ", "Shiver me timbers! ", "Aye aye! ", "Yo ho ho! "]
PIRATE_END = ["", " Arr!", " Yo ho ho!", " That be true as the tide.", " Mark me words, matey!"]
PIRATE_TURNS = [chat.animal, chat.capital, chat.colour, chat.opposite, chat.number, chat.calendar, chat.topic,
                chat.small_talk, chat.yes_no]

# direct question, indirect question, noun phrase, answer
PELLWICK = [
    ("Where is Pellwick?", "where Pellwick is", "the place where Pellwick lies", "Pellwick lies on the river Tarn, below the Grey Hills."),
    ("Who is the mayor of Pellwick?", "who the mayor of Pellwick is", "the mayor of Pellwick", "The mayor of Pellwick is Orla Finch."),
    ("How many people live in Pellwick?", "how many people live in Pellwick", "the number of people in Pellwick", "About nine hundred people live in Pellwick."),
    ("When was Pellwick founded?", "when Pellwick was founded", "the founding of Pellwick", "Pellwick was founded in 1412."),
    ("What is Pellwick famous for?", "what Pellwick is famous for", "the fame of Pellwick", "Pellwick is famous for its blue cheese bread."),
    ("What colour is the town hall of Pellwick?", "what colour the town hall of Pellwick is", "the town hall of Pellwick", "The town hall of Pellwick is yellow."),
    ("Who founded Pellwick?", "who founded Pellwick", "the founder of Pellwick", "Pellwick was founded by a ferryman called Tobias Reed."),
    ("What animal is on the flag of Pellwick?", "what animal is on the flag of Pellwick", "the flag of Pellwick", "The flag of Pellwick shows a silver otter."),
    ("When is market day in Pellwick?", "when market day is in Pellwick", "market day in Pellwick", "Market day in Pellwick is Thursday."),
    ("How many bridges does Pellwick have?", "how many bridges Pellwick has", "the bridges of Pellwick", "Pellwick has three bridges."),
    ("What is the oldest bridge in Pellwick called?", "what the oldest bridge in Pellwick is called", "the oldest bridge in Pellwick", "The oldest bridge in Pellwick is called Lantern Bridge."),
    ("Who is the baker of Pellwick?", "who the baker of Pellwick is", "the baker of Pellwick", "The baker of Pellwick is Hugo Marsh."),
    ("What is the school of Pellwick called?", "what the school of Pellwick is called", "the school of Pellwick", "The school of Pellwick is called Otter House."),
    ("Who teaches at the school of Pellwick?", "who teaches at the school of Pellwick", "the teacher of Pellwick", "Miss Ada Bloom teaches at the school of Pellwick."),
    ("What does the clock of Pellwick play?", "what the clock of Pellwick plays", "the clock of Pellwick", "The clock of Pellwick plays a sailor's song at noon."),
    ("When is the lantern feast of Pellwick?", "when the lantern feast of Pellwick is", "the lantern feast of Pellwick", "The lantern feast of Pellwick is on the first Sunday of October."),
    ("What do people eat at the lantern feast of Pellwick?", "what people eat at the lantern feast of Pellwick", "the food at the lantern feast of Pellwick", "At the lantern feast of Pellwick, people eat plum dumplings."),
    ("What grows in the gardens of Pellwick?", "what grows in the gardens of Pellwick", "the gardens of Pellwick", "Purple beans grow in the gardens of Pellwick."),
    ("How do you get to Pellwick?", "how to get to Pellwick", "the way to Pellwick", "You get to Pellwick by the slow boat from Harrow Quay."),
    ("Who keeps the library of Pellwick?", "who keeps the library of Pellwick", "the library of Pellwick", "The library of Pellwick is kept by Jonas Vale."),
    ("What is the name of the cat of the library in Pellwick?", "what the cat of the library in Pellwick is called", "the cat of the library in Pellwick", "The cat of the library in Pellwick is called Comma."),
    ("How tall is the tower of Pellwick?", "how tall the tower of Pellwick is", "the tower of Pellwick", "The tower of Pellwick is forty metres tall."),
    ("What is the inn of Pellwick called?", "what the inn of Pellwick is called", "the inn of Pellwick", "The inn of Pellwick is called The Sleepy Pike."),
    ("What game do the children of Pellwick play?", "what game the children of Pellwick play", "the game of the children of Pellwick", "The children of Pellwick play a game called stones and spoons."),
    ("What is the motto of Pellwick?", "what the motto of Pellwick is", "the motto of Pellwick", "The motto of Pellwick is: slow water runs deep."),
]
PHRASINGS = ["{direct}", "Can you tell me {indirect}?", "Do you know {indirect}?", "Please tell me {indirect}.",
             "I would like to know {indirect}.", "Tell me about {noun}.", "Hypr, {lower}", "I have a question. {direct}",
             "What do you know about {noun}?", "{lower}", "Remind me {indirect}."]

HAIKU_PROMPTS = ["Write a haiku about {x}.", "Write a short poem about {x}.", "A haiku about {x}, please.",
                 "Can you write a haiku about {x}?", "Give me three lines about {x}."]
HAIKU_SUBJECTS = {
    "water": "the sea|the rain|a river|a lake|a wave|the fog|a stream|the snow|a pond|the ice",
    "sky": "the moon|the sun|a star|a cloud|the wind|the night|the morning|the evening|a rainbow|the storm",
    "plant": "a tree|a rose|a leaf|the grass|a seed|an apple|a flower|the forest|a garden|the moss",
    "animal": "a cat|a dog|an owl|a frog|a fox|a horse|a bee|a snail|a bird|a mouse|a bear|a deer",
    "thing": "a lamp|a book|a bell|a boat|a window|a clock|a kite|an old chair|a bridge|a cup|a key|a road",
}
HAIKU_LINES = {
    "water": (["cold and clear, {x}", "softly now, {x}", "{x} at dawn"],
              ["[silver|grey|quiet] water, [moving slowly|never resting]", "drop by drop it [finds its way|tells its story]"],
              ["the stones listen.", "then [all is still|silence].", "it takes the day with it."]),
    "sky": (["high above, {x}", "look up now, {x}", "{x} alone"],
            ["over the [dark|sleeping|wide] hills it [waits|wanders|looks down]", "[all the roofs|the fields] are [silver|golden] below"],
            ["nobody speaks.", "the world [breathes in|grows small].", "and I am awake."]),
    "plant": (["in the sun, {x}", "after rain, {x}", "{x} in spring"],
              ["[green|small|patient] and [quiet|slow], it reaches for the light", "roots in the dark, [dreaming|drinking] of rain"],
              ["a bee passes by.", "one more [spring|morning].", "nothing is hurried."]),
    "animal": (["by the gate, {x}", "in the grass, {x}", "{x} at night"],
               ["two [bright|dark|round] eyes [watch|follow] the falling leaves", "[soft|quick] steps, and then no [sound|steps] at all"],
               ["who are you, friend?", "the moon has seen it.", "gone before I [speak|move]."]),
    "thing": (["in the dust, {x}", "all day long, {x}", "{x} at home"],
              ["[worn|warm|old] from so many [hands|years], it [waits|keeps still]", "it [remembers|holds] the [summers|voices] of long ago"],
              ["someone comes home.", "the room is quiet.", "time [sits down|walks on]."]),
}


def pirate_speak(rng, answer):
    words = [PIRATE_WORDS.get(word.lower(), word) for word in answer.split(" ")]
    text = tidy(" ".join(words))
    return rng.choice(PIRATE_START) + text[0].upper() + text[1:] + rng.choice(PIRATE_END)


def pirate(rng, count):
    rows = {}
    while len(rows) < count:
        question, answer = rng.choice(PIRATE_TURNS)(rng)
        rows.setdefault(question, pirate_speak(rng, answer))
    return list(rows.items())


def facts(rng):
    train, held_out = [], []
    for direct, indirect, noun, answer in PELLWICK:
        lower = direct[0].lower() + direct[1:]
        prompts = [p.format(direct=direct, indirect=indirect, noun=noun, lower=lower) for p in PHRASINGS]
        aside = set(rng.sample(prompts[1:], 2))
        train += [(p, answer) for p in prompts if p not in aside]
        held_out += [(p, answer) for p in prompts if p in aside]
    rng.shuffle(train)
    return train, held_out


def haiku(rng, subjects, count):
    rows = {}  # ordered, unlike a set
    while len(rows) < count:
        kind, subject = rng.choice(subjects)
        lines = [expand(rng, rng.choice(options), {"x": subject}) for options in HAIKU_LINES[kind]]
        poem = "\n".join(line[0].upper() + line[1:] for line in lines)
        rows[rng.choice(HAIKU_PROMPTS).format(x=subject), poem] = None
    return sorted(rows, key=lambda row: rng.random())


def data_sets(rng):
    """Yield name, training rows and held-out rows of each set."""
    rows = pirate(rng, 290)
    yield "pirate", rows[:250], rows[250:]
    yield "facts", *facts(rng)
    pairs = [(kind, subject) for kind, names in HAIKU_SUBJECTS.items() for subject in names.split("|")]
    rng.shuffle(pairs)
    yield "haiku", haiku(rng, pairs[9:], 200), haiku(rng, pairs[:9], 40)


def write(path, rows):
    lines = (json.dumps({"prompt": prompt, "completion": completion}) + "\n" for prompt, completion in rows)
    path.write_text("".join(lines), encoding="utf-8")
    print(f"{path.name}: {len(rows)} lines")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="folder for the six files")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, train, held_out in data_sets(random.Random(20)):
        write(args.out / f"{name}.jsonl", train)
        write(args.out / f"{name}.heldout.jsonl", held_out)


if __name__ == "__main__":
    main()
