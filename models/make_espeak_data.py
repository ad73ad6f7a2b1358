#!/usr/bin/env python3
"""Packs the Brazilian Portuguese part of espeak-ng's data into models/espeak-ng-data.tar.gz.

    cargo build && python3 models/make_espeak_data.py target/debug/build/espeak-rs-sys-*/out/share/espeak-ng-data

The data has to come from the very version of espeak-ng that espeak-rs-sys builds: the library refuses a phontab of another
version. The archive is the same, byte for byte, for the same data.
"""

import gzip
import io
import pathlib
import sys
import tarfile

FILES = ["phontab", "phonindex", "phondata", "intonations", "pt_dict", "lang/roa/pt", "lang/roa/pt-BR"]
# The Portuguese rules pass "Michael", "Matheus" or "marketing" on to English and a few names to German: without these
# dictionaries the library reads through a null pointer.
FILES += ["en_dict", "de_dict", "lang/gmw/en", "lang/gmw/de"]
TARGET = pathlib.Path(__file__).with_name("espeak-ng-data.tar.gz")
NOTICE = """\
These files are a part of the data of espeak-ng 1.52 (https://github.com/espeak-ng/espeak-ng), compiled from its sources
phsource/, dictsource/{pt,en,de}_*, lang/{roa,gmw}/ and voices/!v/ as packed in the Rust crate espeak-rs-sys 0.2.0.

Copyright (C) 2005-2015 Jonathan Duddington, 2015-2024 Reece H. Dunn and the contributors of espeak-ng.
Licence: GNU General Public License, version 3 or (at your option) any later version; its text is the file LICENSE at the
root of combinado. The sources are part of the crate, which cargo fetches from its registry, and of the repository above.
"""


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    source = pathlib.Path(sys.argv[1])
    variants = sorted(str(path.relative_to(source)) for path in (source / "voices" / "!v").iterdir())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, "NOTICE", NOTICE.encode())
        for name in FILES + variants:
            add(archive, name, (source / name).read_bytes())
    with open(TARGET, "wb") as out, gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=9, mtime=0) as packed:
        packed.write(buffer.getvalue())
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, {len(FILES) + len(variants)} files")
    return 0


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(f"espeak-ng-data/{name}")
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    sys.exit(main())
