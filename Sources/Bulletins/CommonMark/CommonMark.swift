import CCommonMark
import Foundation

/// CommonMark as bulletins' bodies have it, made safe: of raw HTML only the text stays, links lead to https, http or
/// mailto only, images become links to them, and characters that control a reader's screen are dropped.
package enum CommonMark {
    /// HTML that may stand in a page, a mail or a feed as it is.
    package static func html(_ text: String) -> String {
        rendered(text, otherwise: { "<pre>\(escaped($0))</pre>\n" }) { document in
            guard let rendered = cmark_render_html(document, CMARK_OPT_DEFAULT) else { return "" }
            defer { free(rendered) }
            return String(cString: rendered)
        }
    }

    /// Text without markup, paragraphs apart by an empty line, links with their address behind.
    package static func plainText(_ text: String) -> String {
        rendered(text, otherwise: { $0 }) { document in
            var writer = PlainTextWriter()
            CommonMarkTree.walk(document) { writer.handle($0, isEntering: $1) }
            return writer.text
        }
    }

    /// Why a body cannot be taken; nil for a good one. A publisher hears of it at intake.
    package static func fault(of text: String) -> String? {
        if let fault = CommonMarkLimits.fault(ofText: text) { return fault }
        return parsed(text) { document in
            if let fault = CommonMarkLimits.fault(of: document) { return fault }
            CommonMarkTree.makeSafe(document)
            return CommonMarkTree.hasVisibleText(document)
                ? nil : "shows no text once it is rendered; write what readers shall see"
        } ?? nil
    }

    /// A body that is beyond the limits was accepted before there were any: it shows as it was written.
    private static func rendered(
        _ text: String, otherwise: (String) -> String, _ body: (OpaquePointer) -> String
    ) -> String {
        guard CommonMarkLimits.fault(ofText: text) == nil else {
            return otherwise(HiddenCharacters.dropped(from: text))
        }
        let rendered = parsed(text) { document -> String? in
            guard CommonMarkLimits.fault(of: document) == nil else { return nil }
            CommonMarkTree.makeSafe(document)
            return body(document)
        }
        return (rendered ?? nil) ?? otherwise(HiddenCharacters.dropped(from: text))
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
