"""Build `data/` from two packages on PyPI: real inputs, scores of real models, people's answers.

Build time only: it needs packages that the product does not, so run it in its own environment (Python 3.13):

    python -m venv DIR
    DIR/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 vaderSentiment==3.3.2
    DIR/bin/python config/demo/build_data.py [vaderSentiment-3.3.2.tar.gz]

Without an argument, pip downloads the source distribution; either way its sha256 must match.
Every score is out of fold: the model that scored a row never saw it, nor the rest of its review or block.
The same versions produce the same bytes. Contents, licences and model quality: see `data/README.md`.
"""

import base64
import hashlib
import io
import json
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedGroupKFold
from sklearn.pipeline import make_union
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits
from vaderSentiment.vaderSentiment import (  # type: ignore[import-not-found]  # build time only, see above
    SentimentIntensityAnalyzer,
)

type FloatArray = NDArray[np.float64]
type DataRow = dict[str, Any]

SDIST_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
RATER_COUNT = 20
FOLD_COUNT = 5
SCORE_DECIMALS = 4
TOLERANCE = 1e-7  # far below the precision of SCORE_DECIMALS
CONFIDENCE_BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SENTIMENTS = ("negative", "neutral", "positive")
DIGITS = tuple("0123456789")
WORD_PATTERN = r"[\w']+|[!?]"
DATA_FOLDER = Path(__file__).resolve().parent / "data"


def main() -> None:
    archive = read_sdist(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    # Threads sum in varying order, so the last digits would depend on the number of cores.
    with threadpool_limits(1):
        write_rows(DATA_FOLDER / "sentiment.jsonl", SENTIMENTS, generate_sentiment_rows(read_sentences(archive)))
        write_rows(DATA_FOLDER / "digits.jsonl", DIGITS, generate_digit_rows())


# Review sentiment


class RatedSentence(NamedTuple):
    """A sentence, with `key` = review_sentence, and the ratings of 20 people on a scale from -4 to 4."""

    key: str
    text: str
    ratings: tuple[int, ...]

    @property
    def review(self) -> str:
        return self.key.partition("_")[0]

    @property
    def truth(self) -> str:
        """The class of the mean rating: at most -0.5, between, at least 0.5.

        Of the cut-offs 0.3, 0.4, ... 1.0, at 0.5 a single rater's class equals the truth most often.
        """
        mean = sum(self.ratings) / RATER_COUNT
        return SENTIMENTS[1 + (mean >= 0.5) - (mean <= -0.5)]

    @property
    def shares(self) -> list[float]:
        """The share of raters on each side of zero, in the order of SENTIMENTS."""
        return [sum(np.sign(rating) == side for rating in self.ratings) / RATER_COUNT for side in (-1, 0, 1)]


def read_sdist(path: Path | None) -> bytes:
    """The ratings archive inside the source distribution, which is downloaded when no path is given."""
    with tempfile.TemporaryDirectory() as folder:
        if path is None:
            command = ["-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "vaderSentiment==3.3.2"]
            subprocess.run([sys.executable, *command, "-d", folder], check=True)  # noqa: S603  # a constant
            path = Path(folder) / "vaderSentiment-3.3.2.tar.gz"
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SDIST_SHA256:
        raise SystemExit(f"{path.name}: not the source distribution that this script was written for")
    return read_member(content, "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz")


def read_sentences(archive: bytes) -> list[RatedSentence]:
    """Sentences in file order, without the four that contain no letter ("...", "!")."""
    texts = read_table(archive, "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt")
    ratings = read_table(archive, "hutto_ICWSM_2014/amazonReviewSnippets_anonDataRatings.txt")
    # The order of the two files differs in places, so join them by key.
    by_key = {key: tuple(json.loads(values)) for key, _mean, _deviation, values in ratings}
    assert all(len(values) == RATER_COUNT for values in by_key.values())
    return [
        RatedSentence(key, text.strip(), by_key[key])
        for key, _mean, text in texts
        if any(character.isalpha() for character in text)
    ]


def generate_sentiment_rows(sentences: Sequence[RatedSentence]) -> Iterable[DataRow]:
    for sentence, scores in zip(sentences, score_sentences(sentences), strict=True):
        yield {
            "id": sentence.key,
            "text": sentence.text,
            "truth": sentence.truth,
            "scores": round_scores(scores),
            "ratings": "".join(str(rating + 4) for rating in sentence.ratings),
        }


def score_sentences(sentences: Sequence[RatedSentence]) -> FloatArray:
    """Out-of-fold probabilities, (sentences, 3); the sentences of one review share a fold.

    Each training sentence counts once per class, weighted with the share of raters who chose it. Training on
    the one true class instead is less accurate (69 % against 71 %) and overconfident (75 % on average).
    """
    texts = np.array([sentence.text for sentence in sentences], dtype=object)
    truths = np.array([sentence.truth for sentence in sentences])
    shares = np.array([sentence.shares for sentence in sentences])
    reviews = [sentence.review for sentence in sentences]
    result = np.zeros((len(sentences), len(SENTIMENTS)))
    splitter = StratifiedGroupKFold(FOLD_COUNT, shuffle=True, random_state=0)
    for train, held_out in splitter.split(texts, truths, reviews):
        features = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD_PATTERN),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2),
            FunctionTransformer(compute_lexicon_features),
        )
        model = LogisticRegression(C=4, max_iter=5000, tol=TOLERANCE)
        matrix = features.fit_transform(texts[train])
        model.fit(
            sparse.vstack([matrix] * len(SENTIMENTS)),
            np.repeat(SENTIMENTS, len(train)),
            sample_weight=shares[train].T.ravel(),
        )
        result[held_out] = model.predict_proba(features.transform(texts[held_out]))
    return result


def compute_lexicon_features(texts: Sequence[str]) -> FloatArray:
    """The four scores of the VADER lexicon, (texts, 4); its words were rated independently of these sentences."""
    analyzer = SentimentIntensityAnalyzer()
    return np.array([list(analyzer.polarity_scores(text).values()) for text in texts])


# Digit reading


def generate_digit_rows() -> Iterable[DataRow]:
    """Scored by logistic regression, in contiguous folds.

    Neighbouring digits seem to be by the same writer: shuffled folds overstate accuracy on new writers by 3.6 points.
    """
    digits = load_digits()
    scores = np.zeros((len(digits.target), len(DIGITS)))
    for train, held_out in KFold(FOLD_COUNT).split(digits.data):
        model = LogisticRegression(C=2, max_iter=5000, tol=TOLERANCE)
        model.fit(digits.data[train] / 16, digits.target[train])
        scores[held_out] = model.predict_proba(digits.data[held_out] / 16)
    for number, (image, truth) in enumerate(zip(digits.images, digits.target, strict=True)):
        yield {
            "id": f"{number:04d}",
            "image": "data:image/png;base64," + base64.b64encode(encode_png(image)).decode(),
            "truth": DIGITS[truth],
            "scores": round_scores(scores[number]),
        }


def encode_png(image: FloatArray) -> bytes:
    """An 8-bit greyscale PNG, dark on white, from ink values 0 to 16.

    Pixels are stored uncompressed: that costs few bytes here and makes the file independent of the zlib version.
    """
    height, width = image.shape
    grey = np.rint(255 - image * (255 / 16)).astype(np.uint8)
    lines = b"".join(b"\0" + line.tobytes() for line in grey)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 0)), (b"IEND", b""))
    )


# Both


def write_rows(path: Path, classes: Sequence[str], rows: Iterable[DataRow]) -> None:
    """Write JSON Lines and report the table that README.md shows."""
    kept = list(rows)
    lines = (json.dumps(row, separators=(",", ":")) for row in kept)
    path.write_text("".join(line + "\n" for line in lines), encoding="ascii")
    scores = np.array([row["scores"] for row in kept])
    right = np.array([classes[best] for best in scores.argmax(axis=1)]) == [row["truth"] for row in kept]
    sys.stdout.write(f"{path.name}: {len(kept)} rows\n{format_band_table(scores.max(axis=1), right)}\n")


def format_band_table(confidence: FloatArray, right: NDArray[np.bool_]) -> str:
    """What each threshold would automate: share of all rows, accuracy, mean confidence and errors."""
    lines = ["| confidence | share | accuracy | mean confidence | errors |", "|---|---|---|---|---|"]
    for band in CONFIDENCE_BANDS:
        above = confidence >= band
        share, accuracy, mean = above.mean(), right[above].mean(), confidence[above].mean()
        errors = int((~right[above]).sum())
        lines.append(f"| >= {band:.2f} | {share:.1%} | {accuracy:.1%} | {mean:.1%} | {errors} |")
    return "\n".join(lines)


def round_scores(scores: FloatArray) -> list[float]:
    return [round(float(score), SCORE_DECIMALS) for score in scores]


def read_member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def read_table(archive: bytes, name: str) -> list[list[str]]:
    text = read_member(archive, name).decode("utf-8-sig")
    return [line.split("\t") for line in text.splitlines()]


if __name__ == "__main__":
    main()
