"""Reasons and remedies for errors of the operating system, in one wording for every output."""

from __future__ import annotations

import errno

REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space or write elsewhere",
    errno.EFBIG: "the file is larger than this system or shell (ulimit -f) allows; write elsewhere or raise the limit",
    errno.ENOENT: "its folder does not exist; create it first",
    errno.EEXIST: "it is a file, not a folder; choose another name",
    errno.ENOTDIR: "part of its path is a file, not a folder; choose another name",
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EPERM: "permission denied; choose a folder you may write to",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EISDIR: "it is a folder; name a file inside it",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
    errno.EPIPE: "its reader closed it before the end; events were lost",
}


def os_error_hint(error: OSError) -> str:
    """Return the reason for an error of writing, with a remedy if one is known.

    Examples
    --------
    >>> os_error_hint(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full; free some space or write elsewhere'
    """
    return REMEDIES.get(error.errno or 0, (error.strerror or str(error)).lower())
