"""What `otel_ax` raises into a program, and only where the program asked for it.

    OtelAxError
    ├── BadSettings      `configure(...)` or a variable says what cannot be meant
    └── BudgetExceeded   a budget that was asked to stop calls does so, before the call

Everything else that goes wrong in here is ours alone: `otel_ax.guard`.
"""

__all__ = ["BadSettings", "BudgetExceeded", "OtelAxError"]


class OtelAxError(Exception):
    """The root of them."""


class BadSettings(OtelAxError, ValueError):
    """A setting that cannot be read; the message says what to write instead."""


class BudgetExceeded(OtelAxError, RuntimeError):
    """The next call would be made with nothing left to spend.

    `budget` is its name, `spent_usd` and `limit_usd` are US dollars of the period `per`.
    """

    def __init__(self, budget: str, *, spent_usd: float, limit_usd: float, per: str) -> None:
        super().__init__(
            f"budget {budget!r}: ${spent_usd:.4f} of ${limit_usd:.2f} a {per} are spent; "
            f"raise the budget, wait for the next {per}, or use action='warn'"
        )
        self.budget, self.spent_usd, self.limit_usd, self.per = budget, spent_usd, limit_usd, per
