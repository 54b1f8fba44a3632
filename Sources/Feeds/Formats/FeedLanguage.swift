/// The language of what is written around bulletins. It stands in the address, so that a cache between needs to know
/// nothing else.
package enum FeedLanguage: String, Sendable, CaseIterable {
    case indonesian = "id"
    case english = "en"

    var pathPrefix: String { self == .english ? "en/" : "" }
    var other: FeedLanguage { self == .english ? .indonesian : .english }
}
