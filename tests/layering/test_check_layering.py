#!/usr/bin/env python3
"""The layering check finds each kind of violation, and none in clean code."""
import tempfile
import unittest
from pathlib import Path

from check_layering import check_tree

CLEAN = '''#include "kpu/mapping.h"
#include "nest.h"
/* printf( in a comment, exit( too */
static const int table[] = {1, 2};
static const char *const names[] = {"exit(1)"};
static int helper(int x);
static inline int twice(int x)
{
    return 2 * x;
}
'''

BAD = [
    ("src/mapping/a.c", '#include "kpu/store.h"\n', "stands before store"),
    ("src/mapping/a.c", '#include "simulator/walk.h"\n', "stands before simulator"),
    ("include/kpu/mapping.h", '#include "kpu/metrics.h"\n', "stands before metrics"),
    ("include/kpu/mapping.h", '#include "mapping/nest.h"\n', "public header"),
    ("src/mapping/a.c", "#include <omp.h>\n", "only src/explorer"),
    ("src/mapping/a.c", "#pragma omp parallel\n", "only src/explorer"),
    ("src/report/a.c", "#include <hdf5.h>\n", "only src/store"),
    ("src/machine/a.c", "#include <ini.h>\n", "only src/config"),
    ("src/base/a.c", "    exit(1);\n", "never prints"),
    ("src/base/a.c", '    fprintf(stderr, "x");\n', "never prints"),
    ("src/base/a.c", "static int calls;\n", "mutable"),
    ("src/base/a.c", "static const char *last = 0;\n", "mutable"),
    ("src/base/a.c", "    static char buffer[10];\n", "mutable"),
    ("src/base/a.c", "#if 0\n#endif\n", "dead code"),
    ("src/extra/a.c", "int x;\n", "no module"),
    ("src/base/a.c", "\n" * 700, "longer than"),
    ("docs/a.md", "see /home/" + "someone/kpu\n", "path of one machine"),
    ("docs/a.md", "see `/scratch/kpu/x`\n", "absolute path"),
    ("docs/a.md", "TO" + "DO: write\n", "unfinished"),
]


class CheckLayering(unittest.TestCase):
    def complaints(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            file = Path(root) / path
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return list(check_tree(root))

    def test_clean_code_passes(self):
        self.assertEqual(self.complaints("src/mapping/a.c", CLEAN), [])
        self.assertEqual(self.complaints("src/explorer/a.c", "#include <omp.h>\n"), [])
        self.assertEqual(self.complaints("src/tools/a.c", "    exit(1);\n"), [])
        self.assertEqual(self.complaints("tests/a.c", 'f(SOURCE_DIR "/scratch/kpu");\n'), [])
        self.assertEqual(self.complaints("docs/a.md", "ls /usr/bin/python3 /candidates/tile_m\n"), [])

    def test_each_violation_is_found(self):
        for path, text, expected in BAD:
            with self.subTest(path=path, text=text[:40]):
                found = self.complaints(path, text)
                self.assertTrue(any(expected in line for line in found), found)


if __name__ == "__main__":
    unittest.main()
