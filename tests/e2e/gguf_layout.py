"""Where things lie in a GGUF file: enough to break one on purpose, and to name tokens."""

import hashlib
import random
import struct

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9


class GgufLayout:
    """`tensors`: name -> (position of its dimensions, number of them, position of its offset)."""

    def __init__(self, data):
        self.data = data
        self.strings = {}  # key -> list of bytes, for arrays of strings
        self.tensors = {}
        magic, version, tensors, keys = struct.unpack_from("<4sIQQ", data)
        assert magic == b"GGUF" and version == 3
        self.at = 24
        for _ in range(keys):
            key = self._string().decode()
            self._value(key, self._u32())
        for _ in range(tensors):
            name = self._string().decode()
            count = self._u32()
            dimensions = self.at
            self.at += 8 * count + 4
            self.tensors[name] = (dimensions, count, self.at)
            self.at += 8
        self.header_end = self.at

    def _u32(self):
        self.at += 4
        return struct.unpack_from("<I", self.data, self.at - 4)[0]

    def _u64(self):
        self.at += 8
        return struct.unpack_from("<Q", self.data, self.at - 8)[0]

    def _string(self):
        length = self._u64()
        self.at += length
        return self.data[self.at - length : self.at]

    def _value(self, key, kind):
        if kind == STRING:
            self._string()
        elif kind == ARRAY:
            element, count = self._u32(), self._u64()
            if element == STRING:
                self.strings[key] = [self._string() for _ in range(count)]
            else:
                self.at += SIZES[element] * count
        else:
            self.at += SIZES[kind]

    def token_bytes(self):
        """The bytes of each token of a byte-level BPE vocabulary (GPT-2's table of stand-ins)."""
        plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        stand_ins = {chr(byte): byte for byte in plain}
        others = [byte for byte in range(256) if byte not in plain]
        stand_ins.update({chr(256 + index): byte for index, byte in enumerate(others)})
        pieces = []
        for token in self.strings["tokenizer.ggml.tokens"]:
            text = token.decode()
            known = all(character in stand_ins for character in text)
            pieces.append(bytes(stand_ins[character] for character in text) if known else token)
        return pieces


def write_gguf(path, size, seed=0):
    """A GGUF of about `size` bytes: enough of a header to be one, and a tensor of random bytes. Gives back its SHA-256."""
    generator, digest = random.Random(seed), hashlib.sha256()
    count = max(1, size // (4 << 20)) * (1 << 20)  # of float32
    strings = ((b"general.architecture", b"qwen3"), (b"general.name", b"Random %d" % seed))
    header = struct.pack("<4sIQQ", b"GGUF", 3, 1, len(strings))
    for key, value in strings:
        header += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", STRING, len(value)) + value
    name = b"token_embd.weight"
    header += struct.pack("<Q", len(name)) + name + struct.pack("<IQQIQ", 2, 1 << 10, count >> 10, 0, 0)
    header += bytes(-len(header) % 32)
    block = generator.randbytes(4 << 20)
    with open(path, "wb") as file:
        for number, piece in enumerate([header, *[None] * (count >> 20)]):
            # Cheap, and no two blocks alike.
            piece = piece or struct.pack("<Q", number) + block[8:]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()
