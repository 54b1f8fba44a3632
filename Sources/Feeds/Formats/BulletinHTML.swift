package import Bulletins
import Markup

/// A bulletin's content as HTML, for feeds and for its page.
package enum BulletinHTML {
    package static func content(_ bulletin: Bulletin, registries: Registries, language: String = "id") -> String {
        var html = ""
        if let summary = bulletin.summary, !summary.isEmpty {
            html += "<p><strong>\(Escaping.markup(summary))</strong></p>\n"
        }
        if let note = bulletin.note, !note.isEmpty {
            html += "<blockquote><p>\(Escaping.markup(note))</p></blockquote>\n"
        }
        if let body = bulletin.body { html += CommonMark.html(body) }
        return html + facts(bulletin, registries, BulletinWords(language: language))
    }

    /// The list of facts. Its times are local to the first region addressed, since the reader's region is unknown.
    private static func facts(_ bulletin: Bulletin, _ registries: Registries, _ words: BulletinWords) -> String {
        let zone = registries.timeZones.zone(of: bulletin.regions.first ?? .country)
        let facts = BulletinFacts.facts(bulletin, words, zone: zone, registries: registries)
        return "<ul>\n" + facts.map(line).joined() + "</ul>\n"
    }

    private static func line(_ fact: BulletinFacts.Fact) -> String {
        let value = Escaping.markup(fact.value)
        let shown = fact.url.map { "<a href=\"\(Escaping.markup($0))\">\(value)</a>" } ?? value
        return "<li>\(Escaping.markup(fact.label)): \(shown)</li>\n"
    }
}
