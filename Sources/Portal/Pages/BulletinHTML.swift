import Bulletins
import Markup

/// A bulletin's content as HTML, for feeds and its page.
enum BulletinHTML {
    static func content(_ bulletin: Bulletin, registries: Registries) -> String {
        var html = ""
        if let summary = bulletin.summary, !summary.isEmpty {
            html += "<p><strong>\(Escaping.markup(summary))</strong></p>\n"
        }
        if let note = bulletin.note, !note.isEmpty {
            html += "<blockquote><p>\(Escaping.markup(note))</p></blockquote>\n"
        }
        if let body = bulletin.body { html += CommonMark.html(body) }
        if let instruction = bulletin.alert?.instruction { html += "<p>\(Escaping.markup(instruction))</p>\n" }
        html += facts(bulletin, registries)
        return html
    }

    private static func facts(_ bulletin: Bulletin, _ registries: Registries) -> String {
        var lines: [(String, String)] = []
        if let event = bulletin.event {
            lines.append(
                (
                    "Acara",
                    [event.name, when(event, bulletin, registries), event.place].compactMap { $0 }.joined(
                        separator: ", ")
                ))
        }
        for basis in bulletin.legalBasis { lines.append(("Dasar hukum", basis)) }
        if let contact = bulletin.contact {
            lines.append(
                ("Narahubung", [contact.name, contact.phone, contact.email].compactMap { $0 }.joined(separator: ", ")))
        }
        lines.append(("Wilayah", bulletin.regions.map { registries.regions.fullName(of: $0) }.joined(separator: "; ")))
        var html = "<ul>\n" + lines.map { "<li>\($0): \(Escaping.markup($1))</li>\n" }.joined()
        for attachment in bulletin.attachments {
            html +=
                "<li>Lampiran: <a href=\"\(Escaping.markup(attachment.url))\">\(Escaping.markup(attachment.title))</a></li>\n"
        }
        if let link = bulletin.link {
            html += "<li><a href=\"\(Escaping.markup(link))\">\(Escaping.markup(link))</a></li>\n"
        }
        return html + "</ul>\n"
    }

    private static func when(_ event: Bulletin.Event, _ bulletin: Bulletin, _ registries: Registries) -> String {
        let zone = registries.timeZones.zone(of: bulletin.regions.first ?? .country)
        func text(_ moment: Bulletin.Moment) -> String {
            switch moment {
            case .on(let day): day.text
            case .at(let time):
                "\(time.day(zoneOffset: zone.offset).text) \(time.clock(zoneOffset: zone.offset, separator: ".")) \(zone.abbreviation)"
            }
        }
        return text(event.starts) + (event.ends.map { " – " + text($0) } ?? "")
    }
}
