"""The sweep engine: what to try, how far, on which device, and what became of it.

Where a line belongs:

- a new scheduler: one file in ``schedulers/``, one line in ``schedulers/choice.py``
- a new sampler: one file in ``samplers/``, one line in ``samplers/sampler.py``
- an option of a sweep: ``options/options.py``, and ``options/settings.py`` if it decides what is tried
- "it starts too many trials" or "too few": ``resources/``
- "a sweep forgets something after a kill": ``journal/``, or ``plan/stopped.py``
- "the screen is wrong": ``status/``; "the table is wrong": ``table/``
- "Ray does something odd": ``on_ray/``, the only code that imports Ray
- a file of the sweep's folder: ``folder/layout.py``

Imports point down: ``sweep`` > ``on_ray``, ``status`` > ``resources``, ``table`` > ``setup``, ``plan``, ``simulation``
> ``search`` > ``options``, ``population`` > ``samplers`` > ``journal`` > ``schedulers``, ``folder``.
"""
