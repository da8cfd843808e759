"""Does an energy of pictures and captions together find more than CLIP's loss?

Emoji and their names. Two towers, the same for all: CLIP's cross-entropy, and the joint energy of a picture and a caption (a scaled
cosine, or a multilayer perceptron of both embeddings) trained by contrastive divergence in the joint space: Gibbs half-steps over the
captions and the pictures of the batch, and Langevin steps in pixel space from pictures under captions that are not theirs.

    python sweeps/multimodal.py                            minutes on two cores
    python sweeps/multimodal.py --contenders cosine clip --trials 8
"""

from __future__ import annotations

from gibbsweep.cli import run_study
from gibbsweep.data import DataNeeds
from gibbsweep.evaluate import Evaluator, PicturesFromText, Retrieval
from gibbsweep.study import Contender, Float, Goal, Study, Target
from gibbsweep.train import Budget
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.energy.pair_ebm import PairEBMConfig

LARGE = {
    "gpu": {"channels": (64, 128, 256), "width": 128, "embedding": 128},
    "paper": {"channels": (64, 128, 256), "width": 128, "embedding": 128},
}

SPACE = {
    "learning_rate": Float(2e-3, 2e-2, log=True),
    "temperature": Float(0.03, 0.5, log=True),
    "weight_decay": Float(0.01, 1.0, log=True),
}

JOINT = {**SPACE, "weight": Float(0.003, 0.1, log=True)}

COSINE = Contender(PairEBMConfig(learning_rate=5e-3), kind="energy", space=JOINT, at=LARGE)
MLP = Contender(PairEBMConfig(form="mlp", learning_rate=5e-3), kind="energy", space=JOINT, at=LARGE)
CLIP = Contender(CLIPConfig(learning_rate=5e-3), kind="baseline", space=SPACE, at=LARGE)


def test(budget: str) -> tuple[Evaluator, ...]:
    return (Retrieval(), PicturesFromText(n=3 if budget == "smoke" else 8))


ENERGIES = ("cosine", "mlp")

STUDY = Study(
    name="multimodal",
    question="Does an energy of pictures and captions together find more than CLIP's loss?",
    data="emoji",
    needs=DataNeeds(text=True, dims=3),
    contenders={"cosine": COSINE, "mlp": MLP, "clip": CLIP},
    default=("cosine", "mlp", "clip"),
    goal=Goal("validation/recall_at_1", "maximize"),
    evaluators=(Retrieval(),),
    final_evaluators=test,
    columns={
        "test/text_recall_at_1": "text R@1",
        "test/text_recall_at_5": "R@5",
        "test/text_recall_at_10": "R@10",
        "test/picture_recall_at_1": "picture R@1",
        "test/picture_recall_at_5": "R@5 ",
        "test/picture_recall_at_10": "R@10 ",
        "test/pair_auroc": "AUROC",
        "test/n_captions": "captions",
        "test/n_pictures": "pictures",
    },
    budgets={
        "smoke": Budget(updates=3, batch_size=32, report_every=3),
        "laptop": Budget(updates=400, batch_size=128, report_every=400),
        "long": Budget(updates=2_000, batch_size=128, report_every=500),
        "gpu": Budget(updates=5_000, batch_size=256, report_every=1_000),
        "paper": Budget(updates=20_000, batch_size=512, report_every=2_000),
    },
    targets=(
        Target("CLIP's text R@1 at equal epochs", "test/text_recall_at_1", ">", ENERGIES, ("clip",)),
        Target("CLIP's picture R@1 at equal epochs", "test/picture_recall_at_1", ">", ENERGIES, ("clip",)),
        Target("CLIP's AUROC of matched against other pairs", "test/pair_auroc", ">", ENERGIES, ("clip",)),
    ),
    pictures=("pictures_from_text",),
    note=(
        "Text R@k: a picture finds its name among the split's different names; picture R@k: a name finds one of its drawings among "
        "all. A third of the words of the test names occur in no training name; names of the same known words tie, and a tie counts "
        "as its expectation. The drawings of one name are on one side of every split."
    ),
    trials=4,
    seeds=3,
)

if __name__ == "__main__":
    run_study(STUDY)
