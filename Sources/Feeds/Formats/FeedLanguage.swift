/// The language of the words around bulletins. It is part of the address, so that a cache on the way needs no other
/// key.
package enum FeedLanguage: String, Sendable, CaseIterable {
    case indonesian = "id"
    case english = "en"

    var pathPrefix: String { self == .english ? "en/" : "" }
    var other: FeedLanguage { self == .english ? .indonesian : .english }
}
