"""The pages of the API: which packages stand on which."""

from __future__ import annotations

PAGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "studies": (
        "Studies",
        (
            "What a study is written with. `from gibbsweep import Study, Contender, Float, Int, Choice, Goal, Budget` "
            "works as well."
        ),
        ("gibbsweep.study", "gibbsweep.train.budget", "gibbsweep.cli.study"),
    ),
    "evaluators": ("Evaluators", "Measures of a trained system on a split of its data.", ("gibbsweep.evaluate",)),
    "results": (
        "Results and runs",
        "What came out of a sweep, and a trained system from its folder.",
        ("gibbsweep.results", "gibbsweep.run.load"),
    ),
    "data": ("Data", "Data sets: loaded, fetched, written.", ("gibbsweep.data",)),
    "types": (
        "Models: types",
        "The types that all models share, what a system may be able to do, and randomness.",
        ("gibbsweep_models.types", "gibbsweep_models.capabilities", "gibbsweep_models.draws"),
    ),
    "systems": (
        "Models: systems",
        "What can be trained: energies, score models, and baselines.",
        ("gibbsweep_models.energy", "gibbsweep_models.score", "gibbsweep_models.baselines", "gibbsweep_models.bases"),
    ),
    "objectives": ("Models: objectives", "Training criteria.", ("gibbsweep_models.objectives",)),
    "samplers": (
        "Models: samplers and noise",
        "Markov chains, reverse time, noise levels, likelihoods.",
        ("gibbsweep_models.samplers", "gibbsweep_models.noise", "gibbsweep_models.likelihood"),
    ),
    "networks": ("Models: networks", "Networks, energies, denoisers, maps of the data.", ("gibbsweep_models.nn",)),
}
"""By the page's name: its title, a sentence, and the modules whose docstrings it shows."""


def api_pages() -> dict[str, str]:
    """The pages of the API by their paths."""
    return {
        f"reference/api-{name}.md": "\n\n".join([f"# {title}", sentence, *(f"::: {module}" for module in modules)])
        + "\n"
        for name, (title, sentence, modules) in PAGES.items()
    }
