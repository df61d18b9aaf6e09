"""Makes pictures that show no garment, for `cargo xtask photos --strangers DIR`: a folder for each kind.

    apt-get install fonts-dejavu fonts-liberation fonts-freefont-ttf
    python3 -m pip install numpy pillow scikit-image
    python3 make.py DIR

Digits, letters and words are set in the system's TrueType fonts, dark on white or white on black. Photographs are the
samples that scikit-image installs. The seed is fixed; the fonts that are installed matter.
"""

import glob
import string
import sys
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont

DICE = np.random.default_rng(1)
FONTS = sorted(glob.glob("/usr/share/fonts/truetype/*/*.ttf"))
WORDS = (
    "neural network shirt garment the quick brown fox jumps over lazy dog classifier fashion sale photo hello world "
    "sunday invoice total amount open closed exit danger keep out welcome home number seven street market coffee tea"
).split()
# The others are diagrams, masks, or too small.
PHOTOGRAPHS = (
    "astronaut brick camera chelsea clock_motion coffee coins color grass gravel horse hubble_deep_field ihc logo "
    "microaneurysms moon motorcycle_left page phantom retina rocket text"
).split()


def lettering(text, is_negative, side=400):
    """Text in a random font, as large as it fits, in the middle."""
    ground, ink = (0, 255 - int(DICE.integers(70))) if is_negative else (255, int(DICE.integers(70)))
    size = int(side * DICE.uniform(0.35, 0.8))
    path = DICE.choice(FONTS)
    picture = Image.new("L", (side, side), ground)
    draw = ImageDraw.Draw(picture)
    while True:
        font = ImageFont.truetype(path, size)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        if right - left < 0.92 * side or size < 12:
            break
        size = int(0.9 * size)
    place = ((side - right + left) // 2 - left, (side - bottom + top) // 2 - top)
    draw.text(place, text, font=font, fill=ink)
    return picture


def page(number):
    """Lines of words on a light page."""
    font = ImageFont.truetype(DICE.choice(FONTS), int(DICE.integers(10, 22)))
    width, height = [(480, 640), (640, 480), (500, 500)][number % 3]
    picture = Image.new("L", (width, height), int(DICE.integers(225, 256)))
    draw = ImageDraw.Draw(picture)
    margin, y = int(DICE.integers(15, 60)), int(DICE.integers(15, 60))
    while y < height - 30:
        line = ""
        while draw.textlength(line, font=font) < width - 2 * margin - 60:
            line += DICE.choice(WORDS) + " "
        draw.text((margin, y), line, font=font, fill=20)
        y += int(1.4 * font.size)
    return picture


def photograph(name):
    [path] = [p for p in (Path(skimage.__file__).parent / "data").glob(f"{name}.*") if p.suffix in (".png", ".jpg")]
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((900, 900))
    return picture


KINDS = {
    "digits": [lettering(str(i % 10), i % 2 == 1) for i in range(200)],
    "letters": [lettering(string.ascii_letters[i % 52], i % 2 == 1) for i in range(200)],
    "words": [lettering(" ".join(DICE.choice(WORDS, DICE.integers(1, 4))), i % 2 == 1) for i in range(100)],
    "pages": [page(i) for i in range(60)],
    "photographs": [photograph(name) for name in PHOTOGRAPHS],
}

for kind, pictures in KINDS.items():
    folder = Path(sys.argv[1]) / kind
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number}.png")
