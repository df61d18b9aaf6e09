"""Golden vectors of src/rng.rs, from ChaCha8 in plain Python: python3 rng.py"""

import math
import struct


def chacha8_words(seed, purpose, index):
    key = struct.unpack("<8I", struct.pack("<QB23x", seed, purpose))
    counter = 0
    while True:
        tail = struct.unpack("<4I", struct.pack("<QQ", counter, index))
        start = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key, *tail)
        s = list(start)

        def quarter(a, b, c, d):
            for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & 0xFFFFFFFF
                v = s[z] ^ s[x]
                s[z] = ((v << bits) | (v >> (32 - bits))) & 0xFFFFFFFF

        for _ in range(4):
            for i in range(4):
                quarter(i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        yield from ((a + b) & 0xFFFFFFFF for a, b in zip(s, start))
        counter += 1


def below(words, n):
    threshold = 2**32 % n
    while True:
        product = next(words) * n
        if product & 0xFFFFFFFF >= threshold:
            return product >> 32


def order(epoch, n=16):
    words, items = chacha8_words(0, 2, epoch), list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(words, i + 1)
        items[i], items[j] = items[j], items[i]
    return items


def uniform(words):
    low = next(words)
    return ((next(words) << 32 | low) >> 11) / 2**53


def normal(words):
    while True:
        x, y = 2 * uniform(words) - 1, 2 * uniform(words) - 1
        s = x * x + y * y
        if 0 < s < 1:
            return x * math.sqrt(-2 * math.log(s) / s)


for epoch in range(3):
    print(order(epoch))
words = chacha8_words(1, 1, 2)
print([normal(words) for _ in range(3)])
