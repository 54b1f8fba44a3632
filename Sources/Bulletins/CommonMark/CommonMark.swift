import CCommonMark
import Foundation

/// Renders the CommonMark body of a bulletin safely.
///
/// Raw HTML is reduced to its text, links lead to https, http or mailto only, images become links, and characters that
/// control the reader's display are removed.
package enum CommonMark {
    /// Renders HTML that needs no further sanitising in a page, a mail or a feed.
    package static func html(_ text: String) -> String {
        rendered(text, fallback: { "<pre>\(escaped($0))</pre>\n" }) { document in
            guard let rendered = cmark_render_html(document, CMARK_OPT_DEFAULT) else { return "" }
            defer { free(rendered) }
            return String(cString: rendered)
        }
    }

    /// Renders plain text: paragraphs are separated by empty lines, and links are followed by their address.
    package static func plainText(_ text: String) -> String {
        rendered(text, fallback: { $0 }) { document in
            var writer = PlainTextWriter()
            CommonMarkTree.walk(document) { writer.handle($0, isEntering: $1) }
            return writer.text
        }
    }

    /// The reason to reject a body at intake; nil for a valid body. The text continues a sentence that begins with
    /// "body".
    package static func fault(of text: String) -> String? {
        if let fault = CommonMarkLimits.fault(ofText: text) { return fault }
        return parsed(text) { document in
            if let fault = CommonMarkLimits.fault(of: document) { return fault }
            CommonMarkTree.makeSafe(document)
            return CommonMarkTree.hasVisibleText(document)
                ? nil : "shows no text once it is rendered; write text that readers can see"
        } ?? nil
    }

    /// Renders a body. One that exceeds the limits was accepted before they existed, and is shown as its source text.
    private static func rendered(
        _ text: String, fallback: (String) -> String, _ body: (OpaquePointer) -> String
    ) -> String {
        guard CommonMarkLimits.fault(ofText: text) == nil else {
            return fallback(HiddenCharacters.dropped(from: text))
        }
        let rendered = parsed(text) { document -> String? in
            guard CommonMarkLimits.fault(of: document) == nil else { return nil }
            CommonMarkTree.makeSafe(document)
            return body(document)
        }
        return (rendered ?? nil) ?? fallback(HiddenCharacters.dropped(from: text))
    }

    private static func parsed<T>(_ text: String, _ body: (OpaquePointer) -> T) -> T? {
        guard let document = text.withCString({ cmark_parse_document($0, strlen($0), CMARK_OPT_DEFAULT) }) else {
            return nil
        }
        defer { cmark_node_free(document) }
        return body(document)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
