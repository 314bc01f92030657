"""What can go wrong with sound and pictures, always with a cause and a remedy."""


class MediaError(Exception):
    """Input that cannot be used, or a part that is missing.

    `code` is a stable word for programs (`too_large`, `not_media`, `too_long`, …), `cause` says
    what is wrong in one sentence and `remedy` what to do about it.
    """

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(f"{cause} {remedy}")
        self.code = code
        self.cause = cause
        self.remedy = remedy
