#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pearson's test: its distribution against tables, its classes, and that it finds what is wrong."""

import pathlib
import sys
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import chi_square  # pylint: disable=wrong-import-position

# Percentage points of chi-square as tables have them: degrees of freedom, statistic, p.
TABLE = ((1, 3.841, 0.05), (1, 10.828, 0.001), (2, 5.991, 0.05), (5, 1.145, 0.95), (10, 23.209, 0.01),
         (30, 59.703, 0.001), (100, 124.342, 0.05), (100, 77.929, 0.95))


class Distribution(unittest.TestCase):
    def test_p_is_that_of_the_tables(self):
        for degrees, statistic, p in TABLE:
            with self.subTest(degrees=degrees, statistic=statistic):
                self.assertAlmostEqual(chi_square.p_value(statistic, degrees) / p, 1, delta=0.002)

    def test_nothing_to_test_is_no_surprise(self):
        self.assertEqual(chi_square.p_value(0, 5), 1)
        self.assertEqual(chi_square.p_value(0, 0), 1)


class Comparison(unittest.TestCase):
    def test_exact_shares_have_statistic_0(self):
        test = chi_square.compare({"a": 3000, "b": 1000}, {"a": 75, "b": 25})
        self.assertEqual((test.statistic, test.degrees, test.p), (0, 1, 1))

    def test_the_statistic_is_the_sum_of_squares_over_expected(self):
        test = chi_square.compare({"a": 1, "b": 1}, {"a": 60, "b": 40})
        self.assertAlmostEqual(test.statistic, 10 ** 2 / 50 + 10 ** 2 / 50)

    def test_small_classes_are_one(self):
        truth = {"hot": 9000} | {f"cold {n}": 10 for n in range(100)}
        test = chi_square.compare(truth, {"hot": 900, "cold 3": 100})
        self.assertEqual([(item.name, item.observed) for item in test.classes],
                         [("hot", 900), (chi_square.REST, 100)])
        self.assertAlmostEqual(test.classes[1].expected, 100)

    def test_a_rest_that_is_too_small_takes_the_next_class_in(self):
        test = chi_square.compare({"a": 900, "b": 99, "c": 1}, {"a": 90, "b": 10})
        self.assertEqual([item.name for item in test.classes], ["a", chi_square.REST])

    def test_samples_without_truth_are_in_the_rest_and_make_it_improbable(self):
        test = chi_square.compare({"a": 970, "b": 30}, {"a": 970, "b": 30, "never": 100})
        self.assertLess(test.p, 1e-4)

    def test_what_came_to_the_rest_may_be_left_out_but_no_more_than_said(self):
        truth = {"a": 600, "b": 370} | {f"cold {n}": 1 for n in range(30)}
        samples = {"a": 600, "b": 370, "cold 1": 60}
        self.assertLess(chi_square.compare(truth, samples).p, 1e-4)
        test = chi_square.compare(truth, samples, moved=0.03)
        self.assertEqual((test.classes[-1].name, test.classes[-1].observed), (chi_square.REST, 30))
        self.assertAlmostEqual(sum(item.expected for item in test.classes), 1000)
        self.assertEqual(test.p, 1)
        self.assertLess(chi_square.compare(truth, {"a": 600, "b": 370, "cold 1": 120}, moved=0.03).p, 1e-4)
        self.assertLess(chi_square.compare(truth, {"a": 700, "b": 270, "cold 1": 60}, moved=0.03).p, 1e-4)

    def test_a_share_that_is_a_tenth_too_large_is_found(self):
        test = chi_square.compare({"a": 500, "b": 500}, {"a": 5500, "b": 4500})
        self.assertLess(test.p, 1e-20)


if __name__ == "__main__":
    unittest.main()
