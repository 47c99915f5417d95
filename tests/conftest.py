"""How tests run: hypothesis draws the same examples every time, so that a failure is the change's."""

from hypothesis import settings

settings.register_profile("ci", max_examples=30, derandomize=True, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=5_000, deadline=None, print_blob=True)  # --hypothesis-profile=deep
settings.load_profile("ci")
