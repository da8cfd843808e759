"""Entries of all data sets that Gibbsweep knows by name. Any other folder in canonical form loads as well."""

from __future__ import annotations

from gibbsweep.data.catalogue.bundled import BUNDLED, DIGITS
from gibbsweep.data.catalogue.entry import Entry

_MODELNET10 = ("bathtub", "bed", "chair", "desk", "dresser", "monitor", "night_stand", "sofa", "table", "toilet")
# fmt: off
_MODELNET40 = (
    "airplane", "bathtub", "bed", "bench", "bookshelf", "bottle", "bowl", "car", "chair", "cone", "cup", "curtain",
    "desk", "door", "dresser", "flower_pot", "glass_box", "guitar", "keyboard", "lamp", "laptop", "mantel", "monitor",
    "night_stand", "person", "piano", "plant", "radio", "range_hood", "sink", "sofa", "stairs", "stool", "table",
    "tent", "toilet", "tv_stand", "vase", "wardrobe", "xbox",
)
# fmt: on

CATALOGUE: tuple[Entry, ...] = (
    *BUNDLED,
    Entry(
        name="mnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=DIGITS,
        rows=(60_000, 10_000),
        source="MNIST, original files",
        licence="CC BY-SA 3.0",
        description="70,000 handwritten digits, 28x28",
        stand_ins=("mnist5k", "digits"),
    ),
    Entry(
        name="fashion_mnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        rows=(60_000, 10_000),
        source="Fashion-MNIST, original files",
        licence="MIT",
        description="70,000 pieces of clothing, 28x28",
        stand_ins=("mnist5k", "digits"),
    ),
    Entry(
        name="kmnist",
        how="fetched",
        shape=(1, 28, 28),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        rows=(60_000, 10_000),
        source="Kuzushiji-MNIST, original files",
        licence="CC BY-SA 4.0",
        description="70,000 cursive Japanese characters, 28x28",
        stand_ins=("mnist5k", "digits"),
    ),
    Entry(
        name="omniglot",
        how="fetched",
        shape=(1, 32, 32),
        classes=(),
        rows=(19_280, 13_180),
        source="Omniglot, original files, strokes bright on black, reduced from 105x105 to 32x32; background alphabets "
        "train, evaluation alphabets test",
        licence="MIT",
        description="32,460 handwritten characters of 50 alphabets, 20 of each, 32x32",
    ),
    Entry(
        name="cifar10",
        how="fetched",
        shape=(3, 32, 32),
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        rows=(50_000, 10_000),
        source="CIFAR-10, original files",
        licence="none stated",
        description="60,000 colour photographs of ten kinds, 32x32",
    ),
    Entry(
        name="svhn",
        how="fetched",
        shape=(3, 32, 32),
        classes=DIGITS,
        rows=(73_257, 26_032),
        source="SVHN, original files, cropped digits without the extra set",
        licence="non-commercial use only",
        description="99,289 photographed house numbers, 32x32",
    ),
    Entry(
        name="celeba",
        how="fetched",
        shape=(3, 64, 64),
        classes=("not smiling", "smiling"),
        rows=(182_637, 19_962),
        source="CelebA, aligned photographs, the middle 140x140 reduced to 64x64; official training and validation "
        "parts train",
        licence="non-commercial research only",
        description="202,599 photographs of faces with 40 attributes, 64x64",
    ),
    Entry(
        name="faces",
        how="fetched",
        shape=(3, 32, 32),
        classes=(),
        rows=(5175, 574),
        source="Labelled Faces in the Wild, one face a person, LFWcrop's square reduced to 32x32, no names",
        licence="none stated; research use",
        description="5,749 photographs of faces, 32x32",
    ),
    Entry(
        name="emoji",
        how="drop-in",
        shape=(3, 32, 32),
        classes=(
            "Activities",
            "Animals & Nature",
            "Component",
            "Flags",
            "Food & Drink",
            "Objects",
            "People & Body",
            "Smileys & Emotion",
            "Symbols",
            "Travel & Places",
        ),
        rows=(3440, 382),
        source="Twemoji and Noto Emoji with Unicode CLDR names",
        licence="Twemoji CC BY 4.0; Noto Emoji Apache-2.0; names Unicode licence",
        description="3,822 drawings with their names, two styles, 32x32",
        text=True,
        how_to="draw the images of a release of Twemoji and of Noto Emoji at 32x32, name them after Unicode CLDR, and "
        "write them with gibbsweep.data.write_parquet(PATH, images, labels, text, metadata=...)",
    ),
    *(
        Entry(
            name=name,
            how="fetched",
            shape=(1, 32, 32, 32),
            classes=classes,
            rows=rows,
            source=f"{archive}, official split, surface and inside of each mesh in the middle 24 of 32 voxels an edge",
            licence="academic research",
            description=f"{sum(rows):,} shapes of furniture and other things, 32x32x32 voxels",
            stand_ins=("solids",),
        )
        for name, archive, classes, rows in (
            ("modelnet10", "ModelNet10", _MODELNET10, (3991, 908)),
            ("modelnet40", "ModelNet40", _MODELNET40, (9843, 2468)),
        )
    ),
    Entry(
        name="fsdd",
        how="fetched",
        shape=(1, 8000),
        classes=DIGITS,
        rows=(2700, 300),
        source="Free Spoken Digit Dataset v1.0.10, original files; official split (recordings 0 to 4 of each test)",
        licence="CC BY-SA 4.0",
        description="3,000 English digits of six speakers, 8 kHz, each cut or padded to one second",
        stand_ins=("tones",),
        sampling_rate=8000,
    ),
    Entry(
        name="sc09",
        how="fetched",
        shape=(1, 16_000),
        classes=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        rows=(34_801, 4107),
        source="Speech Commands v0.02, the ten digits, original files; official test part, its validation part with "
        "the training",
        licence="CC BY 4.0",
        description="38,908 English digits of thousands of speakers, one second at 16 kHz",
        stand_ins=("tones",),
        sampling_rate=16_000,
    ),
    Entry(
        name="ljspeech",
        how="fetched",
        shape=(1, 22_050),
        classes=(),
        rows=(12_577, 523),
        source="LJ Speech 1.1, original files, normalised transcripts; LJ001 and LJ002 test",
        licence="public domain",
        description="13,100 sentences of one speaker, 22.05 kHz, the first second of each (ljspeech@65536: more)",
        stand_ins=("tones",),
        text=True,
        sampling_rate=22_050,
    ),
    Entry(
        name="shapenet",
        how="given",
        shape=(1, 32, 32, 32),
        classes=(),
        source="ShapeNet, binvox or OBJ files; one model in five, by a hash of its name, tests",
        licence="ShapeNet's terms of use: non-commercial research, not to be passed on",
        description="shapes of many kinds, 32x32x32 voxels",
        how_to="agree to its terms at shapenet.org, unpack it, and run `gibbsweep data fetch shapenet --from PATH` "
        "with the folder that holds SYNSET/MODEL/ with binvox or OBJ files",
    ),
)


def entry_of(name: str) -> Entry | None:
    """The catalogue's entry of that name, or None."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)
