"""The peer of `perceptron predict`: the weights of a checkpoint in a plain network, a Parquet file in and one out.

python benchmarks/bare_prediction.py best.ckpt rows.parquet answers.parquet
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
import torch


def main() -> None:
    """Read, compute and write a batch of rows at a time."""
    checkpoint, source, target = sys.argv[1:]
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    weights = [value for name, value in state.items() if name.startswith("network.") and name.endswith("weight")]
    biases = [value for name, value in state.items() if name.startswith("network.") and name.endswith("bias")]
    file = pq.ParquetFile(source)
    names = ["row", "label", *(f"p_{label}" for label in range(len(biases[-1])))]
    types = [pa.int64(), pa.string(), *[pa.float32()] * len(biases[-1])]
    schema = pa.schema(list(zip(names, types, strict=True)))
    labels, done = pa.array([str(label) for label in range(len(biases[-1]))]), 0
    with pq.ParquetWriter(target, schema) as writer, torch.inference_mode():
        for batch in file.iter_batches(65_536):
            columns = [torch.from_numpy(column.to_numpy()).float() for column in batch.columns]
            values = (torch.stack(columns, dim=1) - state["standardize.mean"]) / state["standardize.scale"]
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                values = torch.relu(values @ weight.T + bias)
            probabilities = torch.softmax(values @ weights[-1].T + biases[-1], dim=1)
            ids = pa.array(range(done, done + len(batch)))
            chosen = labels.take(pa.array(probabilities.argmax(1).numpy()))
            writer.write_batch(pa.record_batch([ids, chosen, *probabilities.numpy().T.copy()], schema=schema))
            done += len(batch)


if __name__ == "__main__":
    main()
