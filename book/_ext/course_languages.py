"""Korean, Russian and Kazakh in an English book: marked for voices and fonts, and found by the search.

Text of other languages comes into pages from the bibliography, the glossary and the chapters. Where no author has marked
it, its letters say what it is; authors' marks (``<span lang="kk">``) come first.
"""

import re
from functools import cache
from pathlib import Path

import snowballstemmer
import sphinx
from sphinx.search.en import SearchEnglish

HANGUL = "\uac00-\ud7a3"
CYRILLIC = "\u0400-\u052f"
FOREIGN = f"{HANGUL}{CYRILLIC}\u0600-\u06ff\u4e00-\u9fff"  # and Arabic and Chinese letters
# From the first such letter to the last before a Latin one or a bracket, in which the bibliography has its translations.
RUN = re.compile(rf"[{FOREIGN}](?:[^\[\]A-Za-z]*[{FOREIGN}])?")
# The first that fits a run, as Kazakh text has all Russian letters, and Korean text may have Chinese ones.
LANGUAGES = {
    "ko": re.compile(f"[{HANGUL}]"),
    "uz": re.compile("[ўҳ]", re.IGNORECASE),
    "kk": re.compile("[әғқңөұүһі\u06d5\u06c7\u06c6]", re.IGNORECASE),  # the last three: Kazakh in Arabic letters
    "ru": re.compile(f"[{CYRILLIC}]"),
    "fa": re.compile("[پچژگ]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}
# Parts of the general index, by the languages' own names.
INDEX_PARTS = {"ko": "한국어", "ru": "Русский", "kk": "Қазақша"}


def language_of(text):
    return next(code for code, letters in LANGUAGES.items() if letters.search(text))


def mark_languages(page):
    """Say the language of every text in other letters than Latin ones, unless an element around it says one."""
    codes = {name: code for code, name in INDEX_PARTS.items()}
    for heading in page.iter("h2"):
        if heading.text in codes:
            next(heading.itersiblings("table")).set("lang", codes[heading.text])
    for element in list(page.iter()):
        if isinstance(element.tag, str) and element.tag not in ("script", "style", "title") and is_foreign(element.text, element):
            element.text, marks = marked(element.text, page)
            element[:0] = marks
        if is_foreign(element.tail, parent := element.getparent()):
            place = parent.index(element) + 1
            element.tail, marks = marked(element.tail, page)
            parent[place:place] = marks


def is_foreign(text, around):
    """Whether a text, or a part of it, is in other letters, and what stands around it does not say so."""
    if not text or text.isascii() or not RUN.search(text):
        return False
    return next(element.get("lang") for element in [around, *around.iterancestors()] if element.get("lang")) == "en"


def marked(text, page):
    """A text up to its first run of other letters, and an element for each run, with the text that follows it."""
    before, *others = RUN.split(text)
    marks = [page.makeelement("span", lang=language_of(run)) for run in RUN.findall(text)]
    for mark, run, after in zip(marks, RUN.findall(text), others):
        mark.text, mark.tail = run, after
    return before, marks


class CourseSearch(SearchEnglish):
    """Sphinx's search in English, which also finds Korean words inside others and Russian ones in any case.

    Korean joins particles and other nouns to a noun, so every part of a word is in the index. Russian words are reduced
    to their stems, as Sphinx does it in a Russian book; Kazakh ones pass through the same and stay distinct.
    """

    def init(self, options):
        super().init(options)
        self.russian = snowballstemmer.stemmer("russian")

    def split(self, text):
        return super().split(text) + [part for word in re.findall(f"[{HANGUL}]+", text) for part in parts_of(word)]

    @cache  # Sphinx remembers the stems of one page only
    def stem(self, word):
        word = word.lower()
        return self.russian.stemWord(word) if re.search(f"[{CYRILLIC}]", word) else super().stem(word)

    @property
    def js_stemmer_code(self):
        """The same stems in the reader's browser."""
        folder = Path(sphinx.package_dir, "search", "minified-js")
        scripts = [(folder / name).read_text("utf-8") for name in ("base-stemmer.js", "russian-stemmer.js")]
        both = """
const EnglishStemmer = Stemmer;
Stemmer = function () {
  const english = new EnglishStemmer(), russian = new RussianStemmer();
  this.stemWord = (word) => (/[\\u0400-\\u052f]/.test(word) ? russian : english).stemWord(word);
};
"""
        return "\n".join([*scripts, SearchEnglish.js_stemmer_code, both])


def parts_of(word):
    """Every row of letters in a word."""
    return [word[start:end] for start in range(len(word)) for end in range(start + 1, len(word) + 1)]


def setup(app):
    app.add_search_language(CourseSearch)
    app.add_js_file("search.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
