"""The numbers of RPM's tags, types and flags that are read here.

Source: ``rpmtag.h`` and the description of the package format, versions 4 and 6.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

__all__ = ["FileFlag", "SenseFlag", "SignatureTag", "Tag", "Type"]


class Type(IntEnum):
    """What an entry of a header holds."""

    NULL = 0
    CHAR = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    STRING = 6
    BIN = 7
    STRING_ARRAY = 8
    I18NSTRING = 9


class SignatureTag:
    """Tags of the signature header."""

    REGION: Final = 62
    SHA1: Final = 269
    LONG_SIZE: Final = 270
    LONG_ARCHIVE_SIZE: Final = 271
    SHA256: Final = 273
    SIZE: Final = 1000
    MD5: Final = 1004
    PAYLOAD_SIZE: Final = 1007


class Tag:
    """Tags of the header, and those with which a database completes it."""

    REGION: Final = 63
    NAME: Final = 1000
    VERSION: Final = 1001
    RELEASE: Final = 1002
    EPOCH: Final = 1003
    SUMMARY: Final = 1004
    BUILD_TIME: Final = 1006
    INSTALL_TIME: Final = 1008
    SIZE: Final = 1009
    VENDOR: Final = 1011
    LICENSE: Final = 1014
    GROUP: Final = 1016
    URL: Final = 1020
    ARCH: Final = 1022
    FILE_SIZES: Final = 1028
    FILE_STATES: Final = 1029
    FILE_MODES: Final = 1030
    FILE_MTIMES: Final = 1034
    FILE_DIGESTS: Final = 1035
    FILE_LINKS: Final = 1036
    FILE_FLAGS: Final = 1037
    FILE_USERS: Final = 1039
    FILE_GROUPS: Final = 1040
    SOURCE_RPM: Final = 1044
    ARCHIVE_SIZE: Final = 1046
    PROVIDE_NAME: Final = 1047
    REQUIRE_FLAGS: Final = 1048
    REQUIRE_NAME: Final = 1049
    REQUIRE_VERSION: Final = 1050
    CONFLICT_FLAGS: Final = 1053
    CONFLICT_NAME: Final = 1054
    CONFLICT_VERSION: Final = 1055
    TRIGGER_NAME: Final = 1066
    OBSOLETE_NAME: Final = 1090
    FILE_DEVICES: Final = 1095
    FILE_INODES: Final = 1096
    SOURCE_PACKAGE: Final = 1106
    PROVIDE_FLAGS: Final = 1112
    PROVIDE_VERSION: Final = 1113
    OBSOLETE_FLAGS: Final = 1114
    OBSOLETE_VERSION: Final = 1115
    DIR_INDEXES: Final = 1116
    BASE_NAMES: Final = 1117
    DIR_NAMES: Final = 1118
    PAYLOAD_FORMAT: Final = 1124
    PAYLOAD_COMPRESSOR: Final = 1125
    INSTALL_COLOUR: Final = 1127
    INSTALL_ID: Final = 1128
    FILE_COLOURS: Final = 1140
    LONG_FILE_SIZES: Final = 5008
    FILE_CAPABILITIES: Final = 5010
    FILE_DIGEST_ALGORITHM: Final = 5011
    RECOMMEND_NAME: Final = 5046
    RECOMMEND_VERSION: Final = 5047
    RECOMMEND_FLAGS: Final = 5048
    SUGGEST_NAME: Final = 5049
    SUGGEST_VERSION: Final = 5050
    SUGGEST_FLAGS: Final = 5051
    SUPPLEMENT_NAME: Final = 5052
    ENHANCE_NAME: Final = 5055
    FILE_TRIGGER_NAME: Final = 5069
    TRANS_FILE_TRIGGER_NAME: Final = 5079
    PAYLOAD_SHA256: Final = 5092
    PAYLOAD_ALGORITHM: Final = 5093
    MODULARITY_LABEL: Final = 5096
    RPM_FORMAT: Final = 5114


class FileFlag(IntFlag):
    """How a package marks a file."""

    CONFIG = 1
    DOC = 2
    ICON = 4
    MISSING_OK = 8
    NO_REPLACE = 16
    SPEC_FILE = 32
    GHOST = 64
    LICENSE = 128
    README = 256
    PUBKEY = 2048
    ARTIFACT = 4096


class SenseFlag(IntFlag):
    """How a dependency compares versions, and what it is for."""

    LESS = 2
    GREATER = 4
    EQUAL = 8
    POST_TRANSACTION = 1 << 5
    PRE_TRANSACTION = 1 << 7
    SCRIPT_PRE = 1 << 9
    SCRIPT_POST = 1 << 10
    SCRIPT_PREUN = 1 << 11
    SCRIPT_POSTUN = 1 << 12
    PREUN_TRANSACTION = 1 << 20
    POSTUN_TRANSACTION = 1 << 21
    RPMLIB = 1 << 24
    KEYRING = 1 << 26
    META = 1 << 29

    @property
    def is_only_for_installing(self) -> bool:
        """Whether it counts while a package is installed and no longer."""
        return bool(self & _INSTALLING) and not self & (_ERASING | SenseFlag.META)


_INSTALLING = (
    SenseFlag.SCRIPT_PRE
    | SenseFlag.SCRIPT_POST
    | SenseFlag.RPMLIB
    | SenseFlag.KEYRING
    | SenseFlag.PRE_TRANSACTION
    | SenseFlag.POST_TRANSACTION
)
_ERASING = (
    SenseFlag.SCRIPT_PREUN
    | SenseFlag.SCRIPT_POSTUN
    | SenseFlag.PREUN_TRANSACTION
    | SenseFlag.POSTUN_TRANSACTION
)
