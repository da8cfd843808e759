"""Does an energy of pictures and captions together find more than CLIP's loss?

Emoji and their names. The study compares, with the same two towers, CLIP's cross-entropy and the joint energy of a
picture and a caption (a scaled cosine, or a multilayer perceptron of both embeddings) trained by contrastive divergence
in the joint space: Gibbs half-steps over the captions and the pictures of the batch, and Langevin steps in pixel space
from pictures under captions that are not theirs. The recall of captions and of pictures on the test split answers the
question.

    python sweeps/multimodal.py                            minutes on two cores
    python sweeps/multimodal.py --contenders cosine clip --trials 8
"""

from __future__ import annotations

from gibbsweep import Contender, DataNeeds, Float, Goal, Study, Target
from gibbsweep.cli import run_study
from gibbsweep.evaluate import PicturesFromText, Retrieval
from gibbsweep.study import by_budget, equal_updates
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.energy.pair_ebm import PairEBMConfig

LARGE = {name: {"channels": (64, 128, 256), "width": 128, "embedding": 128} for name in ("gpu", "paper")}

SPACE = {
    "learning_rate": Float(2e-3, 2e-2, log=True),
    "temperature": Float(0.03, 0.5, log=True),
    "weight_decay": Float(0.01, 1.0, log=True),
}

JOINT = {**SPACE, "weight": Float(0.003, 0.1, log=True)}

COSINE = Contender(PairEBMConfig(learning_rate=5e-3), space=JOINT, by_budget=LARGE)
MLP = Contender(PairEBMConfig(form="mlp", learning_rate=5e-3), space=JOINT, by_budget=LARGE)
CLIP = Contender(CLIPConfig(learning_rate=5e-3), space=SPACE, by_budget=LARGE)


ENERGIES = ("cosine", "mlp")

STUDY = Study(
    name="multimodal",
    question="Does an energy of pictures and captions together find more than CLIP's loss?",
    data="emoji",
    needs=DataNeeds(text=True, dims=3),
    contenders={"cosine": COSINE, "mlp": MLP, "clip": CLIP},
    goal=Goal("validation/recall_at_1", "maximize"),
    evaluators=(Retrieval(),),
    final_evaluators=(Retrieval(), PicturesFromText(by_budget(smoke=3, other=8))),
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
    budgets=equal_updates(
        by_budget(smoke=3, laptop=400, long=2_000, gpu=5_000, paper=20_000),
        batch_size=by_budget(smoke=32, gpu=256, paper=512, other=128),
        reports=by_budget(long=4, gpu=5, paper=10, other=1),
    ),
    targets=(
        Target("CLIP's text R@1 at equal epochs", "test/text_recall_at_1", ">", ENERGIES, ("clip",)),
        Target("CLIP's picture R@1 at equal epochs", "test/picture_recall_at_1", ">", ENERGIES, ("clip",)),
        Target("CLIP's AUROC of matched against other pairs", "test/pair_auroc", ">", ENERGIES, ("clip",)),
    ),
    pictures=("pictures_from_text",),
    note=(
        "Text R@k: a picture finds its name among the split's different names; picture R@k: a name finds one of its "
        "drawings among all. A third of the words of the test names occur in no training name; names of the same "
        "known words tie, and a tie counts as its expectation. The drawings of one name are on one side of every "
        "split."
    ),
)

if __name__ == "__main__":
    run_study(STUDY)
