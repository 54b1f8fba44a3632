"""The publishers' guides quote the examples, name every code and event, and agree in both languages."""
import re

import pytest
import yaml

from worker import PROJECT

DOCS = PROJECT / "docs"
GUIDES = {language: (DOCS / f"publishers.{language}.md").read_text() for language in ("en", "id")}
EXAMPLES = sorted((DOCS / "examples").iterdir())
LANGUAGES = {".py": "python", ".php": "php", ".java": "java", ".sh": "sh", ".json": "json"}
ASYNCAPI = yaml.safe_load((PROJECT / "config/asyncapi.yaml").read_text())


@pytest.mark.parametrize("language", GUIDES)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_guide_quotes_the_example(language, example):
    assert f"```{LANGUAGES[example.suffix]}\n{example.read_text()}```\n" in GUIDES[language]


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_has_no_code_but_the_examples(language):
    assert GUIDES[language].count("\n```") == 2 * len(EXAMPLES)


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_names_every_refusal_and_every_receipt(language):
    rows = re.findall(r"^\| `([a-z-]+)` \|", GUIDES[language], re.M)
    events = ASYNCAPI["channels"]["receipts"]["parameters"]["event"]["enum"]
    reasons = ASYNCAPI["components"]["schemas"]["reason"]["enum"]
    assert [row for row in rows if row in events] == events
    assert [row for row in rows if row in reasons] == reasons


def test_both_guides_have_the_same_form():
    def form(text):
        """Headings, table rows, list items and code, without the words."""
        return re.findall(r"^(#+ |\| ?|- |\d\. |```\w*)", text, re.M), sorted(re.findall(r"`[^`\n]+`", text))

    (form_en, code_en), (form_id, code_id) = form(GUIDES["en"]), form(GUIDES["id"])
    assert form_en == form_id
    assert set(code_en) == set(code_id)


PAGES = [*sorted(DOCS.glob("*.md")), PROJECT / "deploy/rabbitmq/README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target
