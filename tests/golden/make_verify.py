#!/usr/bin/env python3
"""Write verify/: what scripts/keras_reference.py writes for models of models/, and for nested ones made here.

    pip install -r requirements.txt && python make_models.py && python make_verify.py

STEM.npz belongs to the model of that stem.
"""
import pathlib
import subprocess
import sys

from common import *
from nested_cases import deep, distributed, encoder

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "scripts" / "keras_reference.py"
MODELS = {"models/k2_two_in_two_out.h5": "tf_keras", "models/k3_branches.keras": "keras",
          "models/k3_classifier.keras": "keras", "verify/k2_encoder.h5": "tf_keras",
          "verify/k3_encoder.keras": "keras", "verify/k2_deep.h5": "tf_keras", "verify/k3_deep.keras": "keras",
          "verify/k2_distributed.h5": "tf_keras", "verify/k3_distributed.keras": "keras"}


def save_nested(builder, generation, ending):
    k = GENERATIONS[generation]
    k.backend.clear_session()
    k.utils.set_random_seed(generation)
    model = builder(k)
    rng = np.random.default_rng(generation)
    model.set_weights([np.abs(quantised(rng, weight.shape)) + np.float32(0.25) for weight in model.get_weights()])
    model.save(HERE / "verify" / f"k{generation}_{builder.__name__}{ending}")


def main():
    (HERE / "verify").mkdir(exist_ok=True)
    for builder in (encoder, deep, distributed):
        save_nested(builder, 2, ".h5")
        save_nested(builder, 3, ".keras")
    for model, module in MODELS.items():
        target = HERE / "verify" / (pathlib.Path(model).stem + ".npz")
        subprocess.run([sys.executable, SCRIPT, HERE / model, "--keras", module, "-o", target, "--size", "9"],
                       check=True)


if __name__ == "__main__":
    main()
