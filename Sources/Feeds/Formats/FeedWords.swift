import Bulletins
import Markup
import Storage

/// The words of feeds, in Indonesian or English.
struct FeedWords: Sendable {
    private let language: FeedLanguage
    private let words: BulletinWords

    init(_ language: FeedLanguage) { (self.language, words) = (language, BulletinWords(language: language.rawValue)) }

    private func pick(_ indonesian: String, _ english: String) -> String {
        language == .english ? english : indonesian
    }

    /// The title of a feed, such as `Kentongan: Usulan, Kesehatan, Kota Makassar, Sulawesi Selatan`.
    func title(of source: FeedSource, publisherName: String?, registries: Registries) -> String {
        var parts = [content(source.content), source.kind.map(kinds)].compactMap(\.self)
        switch source.origin {
        case .region(let region, let filter):
            if case .field(let field) = filter {
                parts.append(registries.fields.name(of: field, language: language.rawValue))
            }
            parts.append(registries.regions.fullName(of: region))
        case .publisher(let slug): parts.append(publisherName ?? slug)
        case .subscriber: parts.append(pick("langganan", "subscription"))
        }
        return "Kentongan: " + parts.joined(separator: ", ")
    }

    var description: String {
        pick(
            "Pengumuman pemerintah dan usulan kelompok informasi masyarakat (KIM).",
            "Announcements of the government and proposals of community information groups (KIM).")
    }

    /// The name of a kind in the singular.
    func kind(_ kind: Bulletin.Kind) -> String {
        switch kind {
        case .announcement: words.announcement
        case .proposal: words.proposal
        }
    }

    /// The name of a kind in the plural, which Indonesian does not mark here.
    private func kinds(_ kind: Bulletin.Kind) -> String { self.kind(kind) + pick("", "s") }

    private func content(_ content: FeedSource.Content) -> String? {
        switch content {
        case .anything: nil
        case .event: pick("Agenda", "Events")
        case .alert: pick("Peringatan", "Alerts")
        }
    }
}
