"""Commands that use one trained run: ``gibbsweep best | sample | score | denoise | inpaint | evaluate | export``."""
