"""Colour bars, pixel by pixel: beside each picture, or one beside all that have the same window."""
import math
import unittest

from support import Array, Case, grey, shown, window_of

USAGE = 2
# The rows of each letter, of which the highest of five bits is the left pixel.
LETTERS = {"0": (14, 17, 17, 17, 17, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 2, 4, 8, 31),
           "3": (14, 17, 1, 6, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
           "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 2, 4, 4, 4), "8": (14, 17, 17, 14, 17, 17, 14),
           "9": (14, 17, 17, 15, 1, 2, 12), "-": (0, 0, 0, 31, 0, 0, 0), "+": (0, 4, 4, 31, 4, 4, 0),
           ".": (0, 0, 0, 0, 0, 12, 12), "e": (0, 0, 14, 17, 31, 16, 14)}


class Page:
    """A grey picture that is put together."""

    def __init__(self, rows, columns, value=0):
        self.pixels = [[value] * columns for _ in range(rows)]

    def put(self, top, left, columns, values):
        for i, value in enumerate(values):
            self.pixels[top + i // columns][left + i % columns] = value

    def write(self, top, left, text, scale, ink):
        for i, letter in enumerate(text):
            for place in range(35 * scale * scale):
                row, column = divmod(place, 5 * scale)
                if LETTERS[letter][row // scale] >> (4 - column // scale) & 1:
                    self.pixels[top + row][left + 6 * scale * i + column] = ink

    def bar(self, top, left, rows, texts, ink=255):
        """With the lower and the upper number."""
        scale = max(1, rows // 200) if rows >= 400 else 1
        top, rows = top + 3 * scale, rows - 6 * scale
        for row in range(rows):
            shade = math.floor(255 * (rows - 1 - row) / (rows - 1) + 0.5)
            self.put(top + row, left + 4 * scale, 8 * scale, [shade] * (8 * scale))
        self.write(top, left + 15 * scale, texts[1], scale, ink)
        self.write(top + rows - 7 * scale, left + 15 * scale, texts[0], scale, ink)


def bar_columns(texts, rows=1):
    return (4 + 8 + 3 + 6 * max(map(len, texts)) - 1 + 2) * (max(1, rows // 200) if rows >= 400 else 1)


def texts_of(values):
    return ["%.5g" % end for end in window_of(values)[:2]]


def grey_of(values):
    return grey(shown(values, window_of(values)))


class ColourBars(Case):

    def assert_page(self, page, *arguments):
        self.succeed(*arguments, "--colorbar", "-o", "out.png")
        self.assert_array(self.get("out.png"), "u1", (len(page.pixels), len(page.pixels[0])), sum(page.pixels, []))

    # ---- One ----

    def test_beside_a_picture(self):
        image = self.numbers((31, 24))
        self.put("in.npy", image)
        texts = texts_of(image.values)
        page = Page(31, 24 + bar_columns(texts))
        page.put(0, 0, 24, grey_of(image.values))
        page.bar(0, 24, 31, texts)
        self.assert_page(page, "in.npy")
        report = self.report("in.npy", "--colorbar", "-o", "out.png")
        self.assertEqual(report["output"]["shape"], [31, 24 + bar_columns(texts)])

    def test_numbers(self):
        """All letters, and as many digits as make the ends differ."""
        self.put("in.npy", Array("f4", (25, 3), [1] * 75))
        cases = [((0, 1), ("0", "1")), ((-160, 240), ("-160", "240")), ((-1023.5, 98765), ("-1023.5", "98765")),
                 ((0.25, 1234567), ("0.25", "1.2346e+06")), ((-2e-7, 3e-5), ("-2e-07", "3e-05")),
                 ((4096, 4096.25), ("4096", "4096.2")), ((123456, 123456.5), ("123456", "123456.5")),
                 ((1e6 + 0.125, 1e6 + 0.25), ("1000000.1", "1000000.2"))]
        for (low, high), texts in cases:
            width = bar_columns(texts)
            page = Page(25, 3 + width)
            window = f"{(low + high) / 2!r},{high - low!r}"
            self.succeed("in.npy", "--window", window, "-o", "plain.png")
            page.put(0, 0, 3, self.get("plain.png").values)
            page.bar(0, 3, 25, texts)
            self.assert_page(page, "in.npy", "--window", window)

    def test_equal_ends(self):
        self.put("in.npy", Array("f4", (25, 3), [7] * 75))
        texts = ("7", "7")
        page = Page(25, 3 + bar_columns(texts))
        page.put(0, 0, 3, grey_of([7] * 75))
        page.bar(0, 3, 25, texts)
        self.assert_page(page, "in.npy")

    def test_large_pictures_have_large_numbers(self):
        for rows in (399, 400, 613):
            image = self.numbers((rows, 5))
            self.put("in.npy", image)
            texts = texts_of(image.values)
            page = Page(rows, 5 + bar_columns(texts, rows))
            page.put(0, 0, 5, grey_of(image.values))
            page.bar(0, 5, rows, texts)
            self.assert_page(page, "in.npy")

    def test_small_pictures_have_room_for_the_numbers(self):
        image = self.numbers((4, 6))
        self.put("in.npy", image)
        texts = texts_of(image.values)
        page = Page(23, 6 + bar_columns(texts))
        page.put(9, 0, 6, grey_of(image.values))
        page.bar(0, 6, 23, texts)
        self.assert_page(page, "in.npy")

    # ---- Grids ----

    def test_each_cell_has_its_own(self):
        """As wide as the widest of them."""
        planes = [self.numbers((25, 9)).values for _ in range(5)]
        planes[1] = [1000.5 * x for x in planes[1]]
        planes[3] = [0.0] * 225  # without foreground there is no window
        self.put("in.npy", Array("f4", (5, 1, 25, 9), sum(planes, [])))
        planes = [self.plane("in.npy", i) for i in range(5)]
        width = max(bar_columns(texts_of(plane)) for plane in planes if any(plane))
        for value, ink in ((0, 255), (0.4, 255), (0.5, 0), (1, 0)):
            page = Page(2 * 28 + 3, 3 * (9 + width + 3) + 3, int(255 * value))
            for i, plane in enumerate(planes):
                top, left = 3 + i // 3 * 28, 3 + i % 3 * (9 + width + 3)
                page.put(top, left, 9, grey_of(plane))
                if any(plane):
                    page.bar(top, left + 9, 25, texts_of(plane), ink)
            self.assert_page(page, "in.npy", "--columns", "3", "--padding", "3", "--padding-value", str(value))

    def plane(self, name, number):
        """As float32 has it."""
        return self.get(name).values[225 * number:225 * number + 225]

    def test_one_for_all_with_the_same_window(self):
        batch = self.numbers((5, 1, 25, 9))
        self.put("in.npy", batch)
        texts, window = texts_of(batch.values), window_of(batch.values)
        for padding in (0, 2):
            rows = 50 + padding
            page = Page(rows + 2 * padding, 27 + 4 * padding + bar_columns(texts))
            for i in range(5):
                plane = batch.values[225 * i:225 * i + 225]
                page.put(padding + i // 3 * (25 + padding), padding + i % 3 * (9 + padding), 9, grey(shown(plane, window)))
            page.bar(padding, 27 + 4 * padding, rows, texts)
            self.assert_page(page, "in.npy", "--columns", "3", "--scope", "batch", "--padding", str(padding))

    def test_scopes_of_images(self):
        batch = self.numbers((2, 2, 25, 9))
        self.put("in.npy", batch)
        images = [batch.values[:450], batch.values[450:]]
        width = max(bar_columns(texts_of(image)) for image in images)
        page = Page(50, 2 * (9 + width))
        for i, image in enumerate(images):
            for c in range(2):
                page.put(25 * i, c * (9 + width), 9, grey(shown(image[225 * c:225 * c + 225], window_of(image))))
                page.bar(25 * i, c * (9 + width) + 9, 25, texts_of(image))
        self.assert_page(page, "in.npy", "--columns", "2", "--scope", "image")

    def test_nothing_to_show(self):
        self.put("in.npy", Array("f4", (25, 9), [0] * 225))
        self.assert_page(Page(25, 9), "in.npy")

    # ---- Colours ----

    def test_in_the_colours_of_a_map(self):
        image = self.numbers((25, 9))
        self.put("in.npy", image)
        self.put("ramp.npy", Array("f4", (16, 16), [(i + 0.5) / 255 for i in range(256)]))
        self.succeed("ramp.npy", "--window", "0.5,1", "--epsilon", "0", "--colormap", "turbo", "--format", "rgb", "-o", "map.npy")
        colours = [self.get("map.npy").values[3 * i:3 * i + 3] for i in range(256)]
        texts = texts_of(image.values)
        plain = Page(25, 9 + bar_columns(texts))
        plain.put(0, 0, 9, grey_of(image.values))
        plain.bar(0, 9, 25, texts)
        expected = []
        for i, row in enumerate(plain.pixels):
            for column, value in enumerate(row):
                expected += colours[value] if column < 9 or 13 <= column < 21 and 3 <= i < 22 else [value] * 3
        self.succeed("in.npy", "--colorbar", "--colormap", "turbo", "-o", "out.png")
        self.assert_array(self.get("out.png"), "u1", (25, 9 + bar_columns(texts), 3), expected)

    def test_pictures_in_colour_have_none(self):
        self.put("in.npy", self.numbers((1, 3, 25, 9)))
        self.refuse(USAGE, "in.npy", "--colorbar", "-o", "out.png", says=["in.npy", "--colorbar is for grey"])


if __name__ == "__main__":
    unittest.main()
