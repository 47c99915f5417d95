"""What a client likes how much, as `Accept` and its kin say it (RFC 9110, 12.5).

In: the text of such a header. Out: names and their weights.
"""


def weights(header: str) -> dict[str, float]:
    """By lower-case name, from 0 to 1; of a name that stands twice the first counts."""
    return dict(reversed([_weighed(one) for one in header.split(",") if one.strip()]))


def _weighed(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return name, min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return name, 1.0
