#!/usr/bin/env python3
"""The checker of examples tells right from wrong."""
import os
import tempfile
import unittest

from test_examples import check_document, matches


class Examples(unittest.TestCase):
    def check(self, text):
        complaints = []
        with tempfile.TemporaryDirectory() as folder:
            new = check_document(text, folder, dict(os.environ),
                                 lambda *complaint: complaints.append(complaint))
        return new, complaints

    def test_right_output_passes(self):
        text = "# x\n```console\n$ echo a; echo b\na\nb\n$ cat <<E\n> c\n> E\nc\n```\nend"
        self.assertEqual(self.check(text), (text, []))

    def test_continued_command(self):
        text = "```console\n$ echo a \\\n    b\na b\n```"
        self.assertEqual(self.check(text), (text, []))

    def test_wrong_output_is_found_and_corrected(self):
        new, complaints = self.check("```console\n$ echo a\nb\n```")
        self.assertEqual(len(complaints), 1)
        self.assertEqual(new, "```console\n$ echo a\na\n```")

    def test_other_blocks_are_left_alone(self):
        text = "```sh\n$ false\n```"
        self.assertEqual(self.check(text), (text, []))

    def test_dots(self):
        self.assertTrue(matches(["a", "...", "d"], ["a", "b", "c", "d"]))
        self.assertTrue(matches(["in ... s"], ["in 1.5 s"]))
        self.assertFalse(matches(["in ... s"], ["in 1.5 ms!"]))
        self.assertFalse(matches(["a", "..."], ["b"]))


if __name__ == "__main__":
    unittest.main()
