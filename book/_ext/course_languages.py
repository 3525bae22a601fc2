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
    for heading in page.find_all("h2"):
        if heading.string in codes:
            heading.find_next_sibling("table")["lang"] = codes[heading.string]
    for text in page.find_all(string=RUN):
        around = next(element["lang"] for element in text.parents if element.get("lang"))
        if around != "en" or text.parent.name in ("script", "style", "title"):
            continue
        parts, end = [], 0
        for run in RUN.finditer(text):
            mark = page.new_tag("span", lang=language_of(run[0]))
            mark.string = run[0]
            parts += [text[end : run.start()], mark]
            end = run.end()
        text.replace_with(*filter(None, [*parts, text[end:]]))


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
