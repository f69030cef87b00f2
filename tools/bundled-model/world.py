"""The facts of the small world that the model knows: plain data for chat.py and essays.py."""

NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
           "fifteen sixteen seventeen eighteen nineteen twenty").split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
MONTH_DAYS = dict(zip(MONTHS, (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)))

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "England": "London", "Ireland": "Dublin", "Scotland": "Edinburgh", "Norway": "Oslo", "Sweden": "Stockholm",
    "Finland": "Helsinki", "Denmark": "Copenhagen", "Iceland": "Reykjavik", "Poland": "Warsaw",
    "Austria": "Vienna", "Hungary": "Budapest", "Greece": "Athens", "Belgium": "Brussels",
    "Switzerland": "Bern", "Ukraine": "Kyiv", "Turkey": "Ankara", "Egypt": "Cairo", "Kenya": "Nairobi",
    "Morocco": "Rabat", "Ghana": "Accra", "Ethiopia": "Addis Ababa", "Japan": "Tokyo", "China": "Beijing",
    "India": "New Delhi", "Thailand": "Bangkok", "Vietnam": "Hanoi", "Indonesia": "Jakarta",
    "Australia": "Canberra", "New Zealand": "Wellington", "Canada": "Ottawa", "Mexico": "Mexico City",
    "Cuba": "Havana", "Peru": "Lima", "Chile": "Santiago", "Argentina": "Buenos Aires", "Brazil": "Brasilia",
    "Colombia": "Bogota", "South Korea": "Seoul", "the United States": "Washington, D.C.",
}

OPPOSITES = [tuple(pair.split("/")) for pair in (
    "hot/cold big/small tall/short fast/slow happy/sad day/night light/dark up/down in/out open/closed "
    "wet/dry old/new hard/soft early/late full/empty loud/quiet heavy/light long/short near/far rich/poor "
    "strong/weak high/low left/right first/last clean/dirty good/bad thick/thin wide/narrow deep/shallow "
    "sweet/sour true/false begin/end love/hate win/lose give/take push/pull above/below inside/outside "
    "brave/afraid smooth/rough bright/dim sharp/blunt asleep/awake").split()]

COLOURS = {
    "the sky on a clear day": "blue", "grass": "green", "snow": "white", "a banana": "yellow",
    "a ripe strawberry": "red", "coal": "black", "a carrot": "orange", "milk": "white", "a lemon": "yellow",
    "a leaf in summer": "green", "a flamingo": "pink", "an elephant": "grey", "chocolate": "brown",
    "a ripe tomato": "red", "the sea": "blue", "a frog": "green", "a polar bear": "white", "a crow": "black",
    "a pumpkin": "orange", "an eggplant": "purple", "a cloud on a sunny day": "white", "a cherry": "red",
    "a pea": "green", "honey": "golden", "a raven": "black", "sand": "yellow", "a fire engine": "red",
}
MIXES = {("red", "yellow"): "orange", ("blue", "yellow"): "green", ("red", "blue"): "purple",
         ("red", "white"): "pink", ("black", "white"): "grey"}

# name: (legs, sound, young, home, food, facts)
ANIMALS = {
    "dog": (4, "barks", "puppy", "in a house or a kennel", "meat and dog food",
            ["Dogs can smell far better than people can", "Dogs wag their tails when they are happy",
             "Dogs are loyal friends and can learn many tricks"]),
    "cat": (4, "meows", "kitten", "in a house or a barn", "fish and meat",
            ["Cats can see very well at night", "Cats purr when they are content",
             "Cats use their whiskers to feel their way in the dark"]),
    "cow": (4, "moos", "calf", "in a barn or a field", "grass",
            ["Cows give us milk", "A cow chews its food twice", "Cows like to stay together in a herd"]),
    "horse": (4, "neighs", "foal", "in a stable", "hay and oats",
              ["Horses can sleep standing up", "Horses can run very fast", "People ride horses on a saddle"]),
    "sheep": (4, "says baa", "lamb", "in a field", "grass",
              ["Sheep give us wool", "A group of sheep is called a flock", "Sheep follow one another"]),
    "pig": (4, "oinks", "piglet", "in a sty", "corn and vegetables",
            ["Pigs roll in mud to stay cool", "Pigs are very clever animals"]),
    "duck": (2, "quacks", "duckling", "in a pond", "plants and small insects",
             ["Ducks have webbed feet that help them swim", "The feathers of a duck keep out the water"]),
    "chicken": (2, "clucks", "chick", "in a coop", "seeds and grain",
                ["Chickens lay eggs", "A male chicken is called a rooster"]),
    "owl": (2, "hoots", "owlet", "in a hollow tree", "mice",
            ["Owls hunt at night", "An owl can turn its head almost all the way around",
             "Owls fly without making a sound"]),
    "eagle": (2, "screams", "eaglet", "on high cliffs", "fish and small animals",
              ["Eagles have very sharp eyes", "Eagles build huge nests"]),
    "penguin": (2, "squawks", "chick", "in the cold south", "fish",
                ["Penguins are birds that cannot fly", "Penguins swim very well",
                 "Penguins stand close together to keep warm"]),
    "bee": (6, "buzzes", "larva", "in a hive", "nectar and pollen",
            ["Bees make honey", "Bees help flowers by carrying pollen", "A hive has one queen"]),
    "ant": (6, "is almost silent", "larva", "in a nest under the ground", "seeds and crumbs",
            ["Ants can carry things much heavier than themselves", "Ants work together in large groups"]),
    "spider": (8, "is silent", "spiderling", "in a web", "insects",
               ["Spiders spin webs to catch insects", "Spiders are not insects, because they have eight legs"]),
    "butterfly": (6, "is silent", "caterpillar", "in gardens and meadows", "nectar",
                  ["A caterpillar turns into a butterfly", "Butterflies taste with their feet"]),
    "frog": (4, "croaks", "tadpole", "in a pond", "flies and worms",
             ["Frogs start life as tadpoles", "Frogs catch flies with a long sticky tongue",
              "Frogs can live in water and on land"]),
    "snake": (0, "hisses", "hatchling", "in grass, sand or trees", "mice and eggs",
              ["Snakes have no legs", "Snakes smell with their tongues", "Snakes shed their skin as they grow"]),
    "fish": (0, "is silent", "fry", "in rivers, lakes and seas", "plants and smaller fish",
             ["Fish breathe through gills", "Fish swim by moving their tails"]),
    "whale": (0, "sings", "calf", "in the ocean", "krill and fish",
              ["The blue whale is the largest animal on Earth", "Whales are mammals and breathe air",
               "Whales sing long songs under the water"]),
    "dolphin": (0, "clicks and whistles", "calf", "in the sea", "fish",
                ["Dolphins are clever and playful", "Dolphins breathe air through a hole on the top of the head"]),
    "elephant": (4, "trumpets", "calf", "in grassland and in forests", "leaves, grass and fruit",
                 ["The elephant is the largest animal on land", "An elephant drinks with the help of its trunk",
                  "Elephants remember places for many years"]),
    "lion": (4, "roars", "cub", "on the grassland of Africa", "meat",
             ["A male lion has a big mane", "Lions live in groups called prides", "Lions sleep most of the day"]),
    "tiger": (4, "roars", "cub", "in the forests of Asia", "meat",
              ["Tigers have stripes", "Tigers like to swim", "Every tiger has its own pattern of stripes"]),
    "bear": (4, "growls", "cub", "in a den in the forest", "berries, fish and honey",
             ["Many bears sleep through the winter", "Bears are strong and can climb trees"]),
    "wolf": (4, "howls", "pup", "in a den in the forest", "meat",
             ["Wolves live in packs", "Wolves howl to call one another"]),
    "fox": (4, "barks and yelps", "cub", "in a den", "mice, berries and eggs",
            ["A fox has a thick bushy tail", "Foxes hear very well"]),
    "rabbit": (4, "is quiet", "kit", "in a burrow", "grass and carrots",
               ["Rabbits have long ears", "Rabbits dig burrows in the ground", "Rabbits hop on strong back legs"]),
    "mouse": (4, "squeaks", "pup", "in a small hole", "seeds and cheese",
              ["Mice have long thin tails", "A mouse can fit through a very small hole"]),
    "squirrel": (4, "chatters", "kit", "in a nest in a tree", "nuts and seeds",
                 ["Squirrels hide nuts for the winter", "A squirrel uses its tail to keep its balance"]),
    "hedgehog": (4, "snuffles", "hoglet", "in a nest of leaves", "worms and insects",
                 ["A hedgehog rolls into a ball when it is afraid", "Hedgehogs have thousands of spines"]),
    "turtle": (4, "is quiet", "hatchling", "in ponds and seas", "plants and jellyfish",
               ["A turtle carries a hard shell", "Some turtles live for more than a hundred years"]),
    "giraffe": (4, "hums", "calf", "on the grassland of Africa", "leaves from tall trees",
                ["The giraffe is the tallest animal on land", "A giraffe has a very long neck"]),
    "monkey": (4, "chatters", "infant", "in trees in warm forests", "fruit and leaves",
               ["Monkeys swing from branch to branch", "Many monkeys use their tails to hold on"]),
    "kangaroo": (4, "clicks", "joey", "on the plains of Australia", "grass",
                 ["A kangaroo carries its young in a pouch", "Kangaroos move by jumping"]),
    "camel": (4, "grunts", "calf", "in the desert", "dry grass and thorny plants",
              ["A camel stores fat in its hump", "A camel can go for many days without water"]),
    "bat": (2, "squeaks", "pup", "in caves and under old roofs", "insects and fruit",
            ["Bats are the only mammals that can fly", "Bats find their way with echoes"]),
    "octopus": (0, "is silent", "larva", "on the sea floor", "crabs and shellfish",
                ["An octopus has eight arms and three hearts", "An octopus can change its colour"]),
    "snail": (0, "is silent", "hatchling", "in damp gardens", "leaves",
              ["A snail carries its house on its back", "Snails move very slowly"]),
}

# subject: (question form, list of facts in a sensible order); facts may use the template language.
TOPICS = {
    "artificial intelligence": ("What is AI?", [
        "Artificial intelligence, or AI, is the art of making [computers|machines] do things that seem to need thinking",
        "an AI program learns patterns from [many examples|a lot of data]",
        "it can [answer questions|write text|recognise pictures], but it can also make mistakes",
        "people should check [important answers|what an AI says] before they [trust them|use them]",
        "AI works best as a tool that helps people"]),
    "a computer": ("What is a computer?", [
        "a computer is a machine that follows instructions to work with [information|data]",
        "it has a processor that [does the work|runs the instructions] and a memory that holds the data",
        "the instructions are called a program",
        "computers can be as small as a coin or as large as a room"]),
    "quantum computing": ("What is quantum computing?", [
        "quantum computing is a way to compute with the rules of very small things, such as atoms",
        "a normal computer uses bits, which are either zero or one",
        "a quantum computer uses qubits, which can be in a mix of zero and one [at the same time|until they are measured]",
        "when a qubit is measured, it gives [just one answer|either zero or one]",
        "for some problems, [this lets a quantum computer find the answer faster|a quantum computer can be much faster]",
        "quantum computers are still [hard to build|small and hard to build], because qubits are easily disturbed"]),
    "a LoRA adapter": ("What is a LoRA adapter?", [
        "a LoRA adapter is a small add-on that changes how a language model behaves",
        "the large model stays the same, and only [a few small matrices|two small matrices per layer] are trained",
        "this makes training [cheap and quick|fast and light]",
        "an adapter is a small file, so it is easy to [share and swap|store and load]",
        "one model can use many adapters, each for a different [task|style]"]),
    "a database": ("What is a database?", [
        "a database is an ordered collection of data that a computer can search quickly",
        "many databases keep data in tables with rows and columns",
        "you ask a database a question with a query",
        "shops, banks and libraries all use databases to keep their records"]),
    "a stream": ("What is a stream?", [
        "a stream is a small river of moving water",
        "in computing, a stream is a flow of data that arrives piece by piece",
        "a program can read a stream [as it arrives|bit by bit] without waiting for the end",
        "music and films are often sent as streams"]),
    "a language model": ("What is a language model?", [
        "a language model is a program that predicts the next word in a text",
        "it learns by reading [many sentences|a lot of text]",
        "by choosing one word after another, it can write [stories and answers|whole texts]",
        "a language model does not [always know what is true|know everything], so its answers should be checked",
        "small models are fast, and large models know more"]),
    "a neural network": ("What is a neural network?", [
        "a neural network is a program made of many simple units that are joined together",
        "each unit adds up its inputs and passes on a signal",
        "the network learns by changing the strength of the links between the units",
        "neural networks are loosely inspired by the brain"]),
    "machine learning": ("What is machine learning?", [
        "machine learning is a way for computers to learn from examples",
        "instead of writing every rule, people give the computer data",
        "the computer finds patterns and uses them to make predictions",
        "more and better data often gives better results"]),
    "a program": ("What is a program?", [
        "a program is a list of instructions for a computer",
        "programs are written in programming languages",
        "a mistake in a program is called a bug",
        "people who write programs are called programmers"]),
    "an algorithm": ("What is an algorithm?", [
        "an algorithm is a list of clear steps that solves a problem",
        "a recipe is a kind of algorithm for cooking",
        "a good algorithm gives the right answer and does not take too long"]),
    "the internet": ("What is the internet?", [
        "the internet is a huge network that joins computers all over the world",
        "it carries messages, pictures and music from one place to another",
        "data travels through the internet in small packets"]),
    "memory": ("What is computer memory?", [
        "computer memory holds the data that a program is using",
        "memory is fast, but most of it is cleared when the power goes off",
        "a disk is slower, but it keeps data for a long time"]),
    "a robot": ("What is a robot?", [
        "a robot is a machine that can sense the world and act in it",
        "some robots build cars, and others clean floors",
        "a robot follows a program that tells it what to do",
        "robots are useful for work that is dull or dangerous"]),
    "the sun": ("What is the sun?", [
        "the sun is a star at the centre of our solar system",
        "it is a huge ball of hot gas",
        "the sun gives us light and [heat|warmth]",
        "without the sun, plants could not grow and Earth would be frozen",
        "you should never look straight at the sun"]),
    "the moon": ("What is the moon?", [
        "the moon is a ball of rock that travels around Earth",
        "it does not make its own light, but reflects the light of the sun",
        "the moon takes about a month to go around Earth",
        "people first walked on the moon in 1969"]),
    "the Earth": ("What is the Earth?", [
        "the Earth is the planet we live on",
        "it is the third planet from the sun",
        "most of its surface is covered with water",
        "the Earth turns once each day and goes around the sun once each year"]),
    "a star": ("What is a star?", [
        "a star is a huge ball of hot, shining gas",
        "stars look small because they are very far away",
        "the sun is the nearest star to us"]),
    "a planet": ("What is a planet?", [
        "a planet is a large round body that travels around a star",
        "there are eight planets in our solar system",
        "Jupiter is the largest planet, and Mercury is the smallest"]),
    "rain": ("Why does it rain?", [
        "rain is water that falls from clouds",
        "the sun warms the sea, and some of the water rises into the air as vapour",
        "high in the cold air, the vapour turns into tiny drops and forms clouds",
        "when the drops become heavy, they fall as rain"]),
    "snow": ("What is snow?", [
        "snow is made of tiny ice crystals that fall from cold clouds",
        "most snowflakes have six sides",
        "snow melts into water when it gets warm"]),
    "a rainbow": ("How is a rainbow made?", [
        "a rainbow appears when sunlight shines through drops of rain",
        "the drops bend the light and split it into colours",
        "the colours are red, orange, yellow, green, blue, indigo and violet",
        "to see a rainbow, you need the sun behind you"]),
    "the wind": ("What is wind?", [
        "wind is moving air",
        "the sun warms some places more than others, and warm air rises",
        "cooler air then flows in to take its place, and we feel it as wind",
        "wind can turn the blades of a turbine to make electricity"]),
    "thunder": ("What makes thunder?", [
        "thunder is the sound that lightning makes",
        "lightning heats the air so fast that the air bursts outward",
        "we see the flash first because light is faster than sound"]),
    "water": ("What is water?", [
        "water is a clear liquid that all living things need",
        "it freezes into ice at zero degrees and boils at one hundred degrees",
        "most of the water on Earth is salty and lies in the oceans",
        "people should drink clean water every day"]),
    "ice": ("What is ice?", [
        "ice is frozen water",
        "it floats because it is lighter than the water around it",
        "ice melts when it becomes warmer than zero degrees"]),
    "the sky": ("Why is the sky blue?", [
        "the sky looks blue because air scatters blue light more than red light",
        "at sunset the light passes through more air, so the sky looks red and orange",
        "at night the sky is dark, and we can see the stars"]),
    "the ocean": ("What is the ocean?", [
        "the ocean is a vast body of salt water",
        "it covers about seventy percent of the Earth",
        "whales, fish and many other animals live in it",
        "the largest ocean is the Pacific"]),
    "a tree": ("What is a tree?", [
        "a tree is a tall plant with a trunk of wood",
        "its roots take in water, and its leaves catch sunlight",
        "trees give us shade, fruit, wood and clean air",
        "some trees live for more than a thousand years"]),
    "a flower": ("What is a flower?", [
        "a flower is the part of a plant that makes seeds",
        "bright colours and sweet smells bring bees to the flower",
        "the bees carry pollen from one flower to another"]),
    "photosynthesis": ("How do plants make food?", [
        "plants make their own food from sunlight, water and air",
        "this is called photosynthesis, and it happens in the green leaves",
        "as they do it, plants give off the oxygen that we breathe"]),
    "a seed": ("What is a seed?", [
        "a seed is a tiny plant waiting to grow",
        "it needs water, warmth and air to start",
        "first a root grows down, and then a shoot grows up"]),
    "gravity": ("What is gravity?", [
        "gravity is a force that pulls things toward each other",
        "it keeps us on the ground and makes things fall when we drop them",
        "gravity also keeps the moon moving around the Earth"]),
    "light": ("What is light?", [
        "light is a form of energy that we can see",
        "it travels faster than anything else",
        "white light is a mix of all the colours"]),
    "sound": ("What is sound?", [
        "sound is made when something shakes back and forth",
        "the shaking moves through the air to our ears",
        "sound cannot travel through empty space"]),
    "electricity": ("What is electricity?", [
        "electricity is the flow of tiny charged particles",
        "it moves easily through metal wires",
        "we use electricity for lamps, computers and trains",
        "electricity can be dangerous, so never touch a broken wire"]),
    "a magnet": ("What is a magnet?", [
        "a magnet is an object that pulls on iron and steel",
        "every magnet has a north pole and a south pole",
        "opposite poles attract, and equal poles push each other away"]),
    "fire": ("What is fire?", [
        "fire gives off heat and light when something burns",
        "it needs fuel, air and heat",
        "take one of these away, and the fire goes out"]),
    "an atom": ("What is an atom?", [
        "an atom is a very small piece of matter",
        "everything around us is made of atoms",
        "atoms join together to form molecules"]),
    "a volcano": ("What is a volcano?", [
        "a volcano is a mountain with an opening to the hot rock below",
        "when it erupts, melted rock called lava flows out",
        "the soil near a volcano is often very rich"]),
    "a mountain": ("What is a mountain?", [
        "a mountain is land that rises high above the land around it",
        "the air on a mountain is thin and cold",
        "the highest mountain on Earth is Mount Everest"]),
    "a river": ("What is a river?", [
        "a river is a large stream of fresh water",
        "it begins in hills or mountains and flows to a lake or the sea",
        "towns were often built beside rivers, because people need water"]),
    "a desert": ("What is a desert?", [
        "a desert is a place where very little rain falls",
        "many deserts are hot by day and cold at night",
        "a cactus can live in a desert because it stores water"]),
    "a forest": ("What is a forest?", [
        "a forest is a large area covered with trees",
        "it is home to many animals, plants and birds",
        "forests clean the air and hold the soil in place"]),
    "an island": ("What is an island?", [
        "an island is land with water all around it",
        "some islands are the tops of old volcanoes",
        "people reach an island by boat, by plane or over a bridge"]),
    "spring": ("What is spring?", [
        "spring is the season after winter",
        "the days grow longer and warmer, and new leaves appear",
        "birds build nests, and many animals have their young"]),
    "summer": ("What is summer?", [
        "summer is the warmest season of the year",
        "the days are long and the nights are short",
        "people swim, walk and eat ice cream in summer"]),
    "autumn": ("What is autumn?", [
        "autumn is the season after summer",
        "the leaves turn red, yellow and brown and fall from the trees",
        "farmers bring in the harvest, and squirrels store nuts"]),
    "winter": ("What is winter?", [
        "winter is the coldest season of the year",
        "the days are short and the nights are long",
        "some animals sleep through the winter, and many birds fly south"]),
    "a map": ("What is a map?", [
        "a map is a drawing of a place seen from above",
        "it shows roads, rivers and towns with lines and signs",
        "a map helps people to find their way"]),
    "a clock": ("What is a clock?", [
        "a clock is a machine that shows the time",
        "the short hand shows the hours, and the long hand shows the minutes",
        "there are sixty minutes in an hour"]),
    "a book": ("What is a book?", [
        "a book is a set of pages with words or pictures",
        "books can tell stories or teach us facts",
        "a place where you can borrow books is called a library"]),
    "a library": ("What is a library?", [
        "a library is a place with many books that people can borrow",
        "it is quiet, so that everyone can read",
        "in computing, a library is a set of code that programs can share"]),
    "a school": ("What is a school?", [
        "a school is a place where children learn",
        "they learn to read, to write and to count",
        "they also learn how to work and play together"]),
    "music": ("What is music?", [
        "music is sound that is arranged in a pleasing way",
        "it is made with voices and instruments such as drums, flutes and pianos",
        "music can make people feel calm, happy or sad"]),
    "a bicycle": ("What is a bicycle?", [
        "a bicycle is a vehicle with two wheels and pedals",
        "the rider turns the pedals, and a chain turns the back wheel",
        "riding a bicycle is good for your health and makes no smoke"]),
    "a train": ("What is a train?", [
        "a train is a row of cars that runs on rails",
        "it is pulled by an engine",
        "trains carry many people and heavy goods over long distances"]),
    "a boat": ("What is a boat?", [
        "a boat is a vehicle that floats on water",
        "some boats have sails, some have oars, and some have engines",
        "a boat floats because it pushes water aside"]),
    "an airplane": ("How does an airplane fly?", [
        "an airplane flies because its wings push air down and the air pushes the wings up",
        "the engines move it forward very fast",
        "a pilot steers it through the sky"]),
    "bread": ("What is bread?", [
        "bread is a food made from flour, water, salt and yeast",
        "the yeast makes small bubbles, and so the dough rises",
        "then the dough is baked in a hot oven"]),
    "honey": ("How is honey made?", [
        "honey is a sweet food made by bees",
        "bees gather nectar from flowers and store it in the hive",
        "they fan it with their wings until it becomes thick"]),
    "milk": ("Where does milk come from?", [
        "milk comes from cows, goats and sheep",
        "it is used to make butter, cheese and yogurt",
        "milk helps bones to grow strong"]),
    "an apple": ("What is an apple?", [
        "an apple is a round fruit that grows on a tree",
        "apples can be red, green or yellow",
        "there are small brown seeds in the middle of an apple"]),
    "the heart": ("What does the heart do?", [
        "the heart is a muscle that pumps blood through the body",
        "it beats about once every second",
        "when you run, your heart beats faster"]),
    "the brain": ("What does the brain do?", [
        "the brain is the part of the body that thinks and remembers",
        "it sends messages through nerves to the rest of the body",
        "the brain needs sleep to rest and to learn"]),
    "sleep": ("Why do we sleep?", [
        "we sleep so that the body and the brain can rest",
        "while we sleep, the brain sorts what it learned during the day",
        "children need more sleep than adults"]),
    "friendship": ("What is friendship?", [
        "friendship is the bond between people who like and trust each other",
        "friends listen, share and help",
        "a good friend tells the truth and is kind"]),
    "courage": ("What is courage?", [
        "courage means doing the right thing even when you are afraid",
        "a brave person still feels fear, but does not give up",
        "courage grows with practice"]),
    "honesty": ("What is honesty?", [
        "honesty means telling the truth",
        "people trust someone who is honest",
        "it can be hard to be honest, but a lie often makes things worse"]),
    "a family": ("What is a family?", [
        "a family is a group of people who care for each other",
        "families can be large or small",
        "they share meals, work and happy days"]),
    "a doctor": ("What does a doctor do?", [
        "a doctor helps people who are sick or hurt",
        "the doctor asks questions and finds out what is wrong",
        "then the doctor gives advice or medicine"]),
    "a farmer": ("What does a farmer do?", [
        "a farmer grows food and cares for animals",
        "the work begins early in the morning",
        "farmers watch the weather, because crops need both sun and rain"]),
    "a teacher": ("What does a teacher do?", [
        "a teacher helps people to learn",
        "a good teacher is patient and explains things clearly",
        "teachers also learn from their pupils"]),
    "a bridge": ("What is a bridge?", [
        "a bridge lets people cross a river, a road or a valley",
        "bridges are made of wood, stone or steel",
        "a good bridge is strong and bends a little in the wind"]),
    "a lighthouse": ("What is a lighthouse?", [
        "a lighthouse is a tall tower with a bright lamp",
        "it stands on the coast and warns ships of rocks",
        "sailors can see its light from far away"]),
    "a garden": ("What is a garden?", [
        "a garden is a piece of land where people grow plants",
        "it needs good soil, water and care",
        "a garden is also a home for bees, birds and worms"]),
    "a mirror": ("How does a mirror work?", [
        "a mirror is a smooth surface that sends light back",
        "when you look into it, you see your own face",
        "most mirrors are made of glass with a thin layer of metal"]),
    "a shadow": ("What is a shadow?", [
        "a shadow is a dark shape that appears when something blocks the light",
        "shadows are long in the evening and short at noon",
        "when the light moves, the shadow moves too"]),
    "open source software": ("What is open source software?", [
        "open source software is software whose code everyone may read, use and change",
        "people from many places work on it together",
        "a licence says what others may do with the code"]),
    "a server": ("What is a server?", [
        "a server is a computer or program that answers requests from other programs",
        "a program that asks a server for something is called a client",
        "web pages are sent to you by a server"]),
    "a token": ("What is a token?", [
        "for a language model, a token is a small piece of text",
        "a token may be a whole word or a part of a word",
        "the model reads and writes one token after another"]),
    "version control": ("What is version control?", [
        "version control keeps a history of the changes to a set of files",
        "each saved change is called a commit",
        "with it, people can work together and go back to an older version"]),
}

HOWTOS = {
    "make tea": ["Boil some water", "Put a tea bag in a cup and pour in the hot water", "Wait three minutes, then take out the tea bag"],
    "plant a seed": ["Fill a small pot with soil", "Make a little hole, put the seed in it and cover it", "Water it a little each day and keep it in the light"],
    "wash your hands": ["Wet your hands with clean water", "Rub them with soap for twenty seconds", "Rinse off the soap and dry your hands"],
    "brush your teeth": ["Put a little toothpaste on your brush", "Brush every tooth gently for two minutes", "Rinse your mouth with water"],
    "make a sandwich": ["Take two slices of bread", "Put butter and cheese on one slice", "Place the other slice on top and cut the sandwich in half"],
    "boil an egg": ["Put the egg in a pot of boiling water", "Wait about eight minutes", "Cool the egg in cold water and peel it"],
    "draw a cat": ["Draw a big circle for the body and a small circle for the head", "Add two pointed ears and a long tail", "Draw the eyes, the nose and the whiskers"],
    "make a paper boat": ["Fold a sheet of paper in half", "Fold the corners down and the edges up", "Pull the sides gently apart until it looks like a boat"],
    "fly a kite": ["Choose an open place on a windy day", "Hold the kite up and run into the wind", "Let out the string slowly as the kite rises"],
    "tie your shoes": ["Cross the laces and pull them tight", "Make a loop with each lace", "Cross the loops, tuck one under the other and pull"],
    "build a snowman": ["Roll three balls of snow, one large, one middle and one small", "Put them on top of each other", "Add stones for the eyes and a carrot for the nose"],
    "fall asleep": ["Turn off the lights and put away your screens", "Lie down in a cool, quiet room", "Breathe slowly and think of something calm"],
    "make a friend": ["Smile and say hello", "Ask a kind question and listen to the answer", "Share something or play together"],
    "learn a new word": ["Read the word in a sentence", "Look up what it means", "Use it in a sentence of your own"],
    "cross the road": ["Stop at the edge of the road", "Look left, look right, and listen", "Walk across when no cars are coming"],
    "bake bread": ["Mix flour, water, salt and yeast and knead the dough", "Let the dough rest until it has doubled in size", "Bake it in a hot oven until it is golden brown"],
    "make a fruit salad": ["Wash the fruit and cut it into small pieces", "Mix the pieces in a bowl", "Add a little lemon juice and serve it cold"],
    "clean your room": ["Pick up the toys and the clothes", "Put everything in its place", "Wipe the dust away and sweep the floor"],
    "care for a plant": ["Put it where it gets enough light", "Water it when the soil feels dry", "Turn the pot now and then so that it grows straight"],
    "save energy": ["Turn off the lights when you leave a room", "Close the windows when the heating is on", "Walk or ride a bicycle for short trips"],
    "write a letter": ["Begin with the date and a greeting", "Write what you want to say in a clear way", "End with a friendly wish and your name"],
    "train a LoRA adapter": ["Choose a base model and collect good examples", "Train the small adapter matrices while the base model stays frozen", "Save the adapter and test it on new examples"],
    "fix a bug": ["Find the smallest case that shows the bug", "Look for the cause and change the code", "Add a test, so that the bug does not come back"],
    "stay healthy": ["Eat fruit and vegetables every day", "Move your body and play outside", "Get enough sleep and drink water"],
}
