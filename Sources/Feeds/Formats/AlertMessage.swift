import Bulletins
import Markup
import Storage

/// An alert as a document of the Common Alerting Protocol (OASIS CAP 1.2). The elements follow the order of the schema.
struct AlertMessage {
    static let mediaType = "application/cap+xml"

    let item: FeedItem
    /// The public revisions of the bulletin, oldest first.
    let revisions: [PublicRevision]
    let registries: Registries
    /// The portal's host, which tells a publisher from one of the same name at another portal.
    let host: String

    /// Renders the document; nil if the bulletin has no alert.
    func render() -> String? {
        guard let alert = item.bulletin.alert else { return nil }
        let earlier = revisions.filter { $0.revision < item.stored.revision }
        let type = item.isWithdrawn ? "Cancel" : earlier.isEmpty ? "Alert" : "Update"
        let references = earlier.map { "\(sender),\(identifier($0.revision)),\(Self.time($0.receivedAt))" }
        return """
            <?xml version="1.0" encoding="utf-8"?>
            <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
            \(element("identifier", identifier(item.stored.revision)))\
            \(element("sender", sender))\
            \(element("sent", Self.time(item.updated)))\
            \(element("status", "Actual"))\
            \(element("msgType", type))\
            \(element("scope", "Public"))\
            \(element("note", item.bulletin.note))\
            \(element("references", references.isEmpty ? nil : references.joined(separator: " ")))\
            <info>
            \(info(alert))</info>
            </alert>

            """
    }

    private func info(_ alert: Bulletin.Alert) -> String {
        let bulletin = item.bulletin
        let description = [bulletin.summary, bulletin.body.map(CommonMark.plainText)].compactMap(\.self)
        let contact = bulletin.contact.map { [$0.name, $0.phone, $0.email].compactMap(\.self).joined(separator: ", ") }
        var text = element("language", bulletin.language)
        for category in categories { text += element("category", category) }
        text += element("event", alert.event)
        text += element("urgency", alert.urgency ?? "Unknown")
        text += element("severity", alert.severity ?? "Unknown")
        text += element("certainty", alert.certainty ?? "Unknown")
        text += element("effective", bulletin.effectiveAt.map(Self.time))
        text += element("expires", bulletin.expiresAt.map(Self.time))
        text += element("senderName", item.publisherName)
        text += element("headline", bulletin.title)
        text += element("description", description.isEmpty ? nil : description.joined(separator: "\n\n"))
        text += element("instruction", alert.instruction)
        text += element("web", item.url)
        text += element("contact", contact)
        text += named("parameter", "level", alert.level) + named("parameter", "identifier", alert.identifier)
        for attachment in bulletin.attachments { text += resource(attachment) }
        for region in bulletin.regions { text += area(region) }
        return text
    }

    private func resource(_ attachment: Bulletin.Attachment) -> String {
        "<resource>\n" + element("resourceDesc", attachment.title) + element("mimeType", attachment.type)
            + element("size", attachment.length.map(String.init)) + element("uri", attachment.url) + "</resource>\n"
    }

    private func area(_ region: Region) -> String {
        "<area>\n" + element("areaDesc", registries.regions.fullName(of: region))
            + named("geocode", "Kemendagri", region.code) + "</area>\n"
    }

    /// The CAP categories (section 3.2.2) of the bulletin's fields. At least one is required.
    private var categories: [String] {
        let found = item.bulletin.fields.compactMap {
            Self.categories[$0.code] ?? Self.categories[$0.parent?.code ?? ""]
        }
        let unique = found.enumerated().filter { !found.prefix($0.offset).contains($0.element) }.map(\.element)
        return unique.isEmpty ? ["Other"] : unique
    }

    private static let categories = [
        "kebencanaan": "Safety", "kebencanaan.tanggap-darurat": "Rescue", "kesehatan": "Health",
        "lingkungan": "Env", "kehutanan": "Env", "perhubungan": "Transport", "pekerjaan-umum": "Infra",
        "energi": "Infra", "komunikasi": "Infra", "ketertiban": "Security",
    ]

    /// The identifier of a revision. It may not contain spaces, commas, `<` or `&` (section 3.2.1), and its parts
    /// contain none.
    private func identifier(_ revision: Int64) -> String { "\(item.guid):\(revision)" }
    private var sender: String { "\(item.stored.id.publisher)@\(host)" }

    /// A time such as `2026-11-23T03:15:00-00:00`: CAP allows neither `Z` for UTC nor fractions (section 3.3.2).
    private static func time(_ time: Timestamp) -> String {
        String(Timestamp(milliseconds: time.seconds * 1000).text.dropLast()) + "-00:00"
    }

    private func element(_ name: String, _ value: String?) -> String {
        guard let value, !value.isEmpty else { return "" }
        return "<\(name)>\(Escaping.markup(value))</\(name)>\n"
    }

    private func named(_ element: String, _ name: String, _ value: String?) -> String {
        guard let value else { return "" }
        return "<\(element)>\n<valueName>\(name)</valueName>\n<value>\(Escaping.markup(value))</value>\n</\(element)>\n"
    }
}
