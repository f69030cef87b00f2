"""Short paragraphs that explain a thing, introductions, and plain prompts with their continuations.

One template is one line here, however long."""

from chat import article, sentences
from grammar import expand, tidy
from stories import BOYS, FOODS, GIRLS, HOBBIES, PETS, SKILLS, SPOTS
from world import ANIMALS, CAPITALS, NUMBERS, TOPICS

LINKS = ["", "", "", "", "", "[it is good to know that|it is true that|remember that|of course,] "]
# Facts that start like this take no linking word; those that start with a name keep their capital after one.
NOT_LINKED = ("then ", "this ", "by ", "as ", "when ", "instead ", "once ", "first ", "to ", "so ", "for ", "at ", "in ",
              "while ", "with ")
NAMES = ("AI ", "Jupiter ")
CLOSINGS = [
    "There is always more to learn about {x}.", "Once you know this, {x} is easy to understand.",
    "That is why people like to learn about {x}.", "This is only the beginning of what can be said about {x}.",
    "These are the most important things to know about {x}.",
]

FUTURE_START = ("The future of [AI|AI|AI|artificial intelligence|computers|language models] is [bright|open|not written yet|hard to predict|"
                "full of promise|in our hands|closer than we think|small and local|shared by all of us|about helping people|in the hands of people who use it well]")
FUTURE_REASONS = [
    ", because [models get better every year|many people work on it together|small models can run on any computer|people find new uses for it every day|good tools help everyone].",
    ", but [it needs care|we must use it wisely|there is much work to do|nobody can know it for sure].",
    ". ",
]
FUTURE_BODY = [
    "[Small|Tiny] models will run on [phones, laptops and even toys|the computers that people already have|every desk], and they will not need the internet.",
    "[Doctors|Teachers|Farmers|Writers] will use AI to [save time|find answers faster|check their work|try new ideas].",
    "A computer may help a [doctor to find an illness|teacher to plan a lesson|farmer to watch the weather|child to learn to read].",
    "People will still [make the important choices|have to check the answers|need to think for themselves].",
    "With adapters, one model can learn [many tasks|a new style in a few minutes] without being trained again from the beginning.",
    "A good AI should be [safe, honest and useful|open, so that everyone can see how it works|fair to all people].",
    "Some jobs will change, and [new jobs will appear|people will learn new skills].",
    "It is important that [we use these tools with care|people learn how AI works|data is kept private].",
    "Language models will [answer questions, write letters and explain hard ideas|become faster and smaller].",
    "AI can make mistakes, so [its answers should be checked|we should not trust it blindly].",
    "The best results come when people and machines [work together|help each other].",
]
FUTURE_END = ["", "", "What we do today will [shape|decide] what comes next.", "In the end, AI is a tool, and people decide how to use it.",
              "The future will be what we make of it.", "That is a future worth building."]

EXPLAIN = ["Explain {x} in simple terms:", "Explain {x} in simple terms:", "Explain {x}:", "Tell me about {x}:", "Describe {x} in a few words:"]

GREETINGS = [
    "Hello, I am Hypr, a [tiny|very small] language model that [ships with hyprstream|runs on your own computer]. I can [tell short stories|answer simple questions|count to twenty] and [talk about animals|explain simple things|add small numbers]. I am small, so I [make mistakes|do not know very much]. [What would you like to know?|How can I help you today?|Ask me anything simple!]",
    "Hello, I am {name}. I am {age} years old, and I live {where}. I have a {colour} {pet} called {petname}. My favourite food is {food}, and I like to {hobby}. [When I grow up, I want to be a {job}.|My best friend is called {other}.|What is your name?]",
    "Hello, I am {name}, and I am [new here|your new neighbour]. I have just moved here from {country}. I like to {hobby}, and I want to learn to {skill}. [Would you like to be my friend?|I hope that we will be friends.|Do you want to meet at the {spot}?]",
    "Hello, I am [a {job}|the {job} of this town]. Every morning I [get up early|drink a cup of tea] and go to work. I like my work because [I can help people|every day is different|I learn something new each day]. [In the evening I like to {hobby}.|My work is never boring.]",
    "Hello, I am {name} the {animal}. I live {home} and eat {animalfood}. [I like to {hobby}.|My friend {petname} visits me every day.] [Please do not be afraid of me!|Would you like to play with me?|It is nice to meet you.]",
    "Dear {other},\n\nhow are you? I am [well|very well]. [Last week|Yesterday] we went to the {spot} and [had a picnic|saw a rainbow|flew a kite]. We ate {food}, and I found a {colour} [stone|shell|feather] for you. [I hope to see you soon.|Please write to me.|Come and visit us in summer.]\n\nYour friend,\n{name}",
]
JOBS = "doctor farmer teacher baker pilot sailor gardener painter cook nurse builder singer".split()


def topic_words(rng):
    name, (_, facts) = rng.choice(list(TOPICS.items()))
    return name, [expand(rng, fact) for fact in facts]


def linked(rng, fact):
    """The fact as a sentence, sometimes with a linking word in front."""
    link = "" if fact.lower().startswith(NOT_LINKED) else expand(rng, rng.choice(LINKS))
    if link and not fact.startswith(NAMES):
        fact = fact[0].lower() + fact[1:]
    return tidy(f"{link} {fact}.")


def paragraph(rng):
    """The facts about one topic, joined in varied ways."""
    name, facts = topic_words(rng)
    kept = [facts[0]] + [fact for fact in facts[1:] if rng.random() < 0.85]
    lines = [tidy(kept[0] + ".")] + [linked(rng, fact) for fact in kept[1:]]
    if rng.random() < 0.4:
        lines.append(rng.choice(CLOSINGS).format(x=name))
    title = tidy(name) + "\n\n" if rng.random() < 0.15 else ""
    return title + " ".join(lines)


def animal_paragraph(rng):
    name = rng.choice(list(ANIMALS))
    legs, _, young, home, food, facts = ANIMALS[name]
    a = article(name)
    lines = [f"{a} is an animal that lives {home}.", f"it eats {food}.", f"a young {name} is called a {young}."]
    lines.append(f"it has {NUMBERS[legs]} legs." if legs else "it has no legs.")
    head, rest = lines[0], lines[1:] + [fact + "." for fact in facts]
    rng.shuffle(rest)
    return tidy(" ".join([head] + rest[:rng.randint(3, len(rest))]))


def future(rng):
    body = [expand(rng, line) for line in rng.sample(FUTURE_BODY, rng.randint(2, 4))]
    start = expand(rng, FUTURE_START + rng.choice(FUTURE_REASONS))
    return tidy(f"{start} {' '.join(body)} {expand(rng, rng.choice(FUTURE_END))}")


def explain(rng):
    if rng.random() < 0.25:
        name = "quantum computing"
        facts = [expand(rng, fact) for fact in TOPICS[name][1]]
    else:
        name, facts = topic_words(rng)
    kept = [facts[0]] + [fact for fact in facts[1:] if rng.random() < 0.8]
    return rng.choice(EXPLAIN).format(x=name) + rng.choice((" ", " ", "\n", "\n\n")) + sentences(kept)


def greeting(rng):
    animal = rng.choice(list(ANIMALS))
    words = dict(
        name=rng.choice(GIRLS + BOYS), colour=rng.choice("brown white black grey golden".split()),
        other=rng.choice(GIRLS + BOYS), age=rng.choice(NUMBERS[5:13]),
        where=rng.choice(("in " + rng.choice(list(CAPITALS)), "in a small village", "near the sea", "on a farm")),
        pet=rng.choice("cat dog rabbit bird fish turtle".split()), petname=rng.choice(PETS),
        food=rng.choice(FOODS), hobby=rng.choice(HOBBIES), job=rng.choice(JOBS), country=rng.choice(list(CAPITALS)),
        skill=rng.choice(SKILLS), spot=rng.choice(SPOTS), animal=animal, home=ANIMALS[animal][3], animalfood=ANIMALS[animal][4])
    return expand(rng, rng.choice(GREETINGS), words)


KINDS = [paragraph] * 10 + [animal_paragraph] * 3 + [future] * 2 + [explain] * 3 + [greeting] * 3


def essay(rng):
    return rng.choice(KINDS)(rng)
