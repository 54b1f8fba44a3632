import Markup

/// The links of a feed as Atom writes them: to itself, its hub, its other formats, and its pages. RSS uses the same
/// elements.
enum AtomLinks {
    static func render(_ feed: FeedDocument, mediaType: String, prefix: String = "") -> String {
        func link(_ relation: String, _ url: String, _ mediaType: String? = nil, _ language: FeedLanguage? = nil)
            -> String
        {
            let type = mediaType.map { " type=\"\($0)\"" } ?? ""
            let language = language.map { " hreflang=\"\($0.rawValue)\"" } ?? ""
            return "<\(prefix)link rel=\"\(relation)\"\(type)\(language) href=\"\(Escaping.markup(url))\"/>\n"
        }
        var links = link("self", feed.selfURL, mediaType)
        links += link("alternate", feed.siteURL, "text/html")
        for alternate in feed.alternates {
            links += link("alternate", alternate.url, alternate.mediaType, alternate.language)
        }
        if feed.isArchive {
            links += "<fh:archive/>\n" + link("current", feed.feedURL, mediaType)
        } else {
            links += link("hub", feed.hubURL)
        }
        if let url = feed.previousURL { links += link("prev-archive", url, mediaType) }
        if let url = feed.nextURL { links += link("next-archive", url, mediaType) }
        return links
    }
}
