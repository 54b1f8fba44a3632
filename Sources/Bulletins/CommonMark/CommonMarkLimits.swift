import CCommonMark

/// Limits on the cost of a body: the depth of its nesting and the size of its rendering.
///
/// Some limits apply to the source text, in one pass before parsing, because the parser itself takes quadratic time for
/// some texts.
enum CommonMarkLimits {
    /// The deepest nesting of quotes, list items, emphasis and links.
    static let depth = 32
    /// The most bytes that all addresses and titles of links take once rendered. One definition can serve thousands of
    /// links.
    static let linkBytes = 512 * 1024
    /// The same limit before parsing, where only an upper bound of the size is known.
    private static let parsedLinkBytes = 32 * 1024 * 1024
    /// The most opening brackets, and below the most openings of comments. The parser may scan the rest of the text for
    /// each.
    private static let openings = 4096
    private static let comments = 512
    /// The most markers at the start of a line. More than `depth` are allowed, because a code block may show them.
    private static let markers = 128

    private static let tooDeep = "nests quotes, lists, emphasis or links deeper than \(depth) levels"
    private static let tooManyLinks = "has links whose addresses and titles take more than \(linkBytes) bytes"

    /// Checks the source text. The reason continues a sentence that begins with "body"; nil for a text within the
    /// limits.
    ///
    /// Every opening bracket may become a link to the longest definition, so the product of the two bounds the memory
    /// that the parser takes for links.
    static func fault(ofText text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes in
            var brackets = 0
            var comments = 0
            var definition = LongestDefinition()
            var lineStart = 0
            while lineStart < bytes.count {
                let end = bytes[lineStart...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
                let line = UnsafeBufferPointer(rebasing: bytes[lineStart..<end])
                if markerCount(line) > markers { return tooDeep }
                for (index, byte) in line.enumerated() {
                    if byte == UInt8(ascii: "[") { brackets += 1 }
                    guard byte == UInt8(ascii: "<"), index + 1 < line.count else { continue }
                    if line[index + 1] == UInt8(ascii: "!") || line[index + 1] == UInt8(ascii: "?") { comments += 1 }
                }
                definition.take(line)
                lineStart = end + 1
            }
            if brackets > openings { return "has more than \(openings) opening brackets" }
            if comments > Self.comments { return "has more than \(Self.comments) HTML comments or declarations" }
            return definition.length * brackets > parsedLinkBytes ? tooManyLinks : nil
        }
    }

    /// Checks the parsed document, where the depth and the size of all links are known exactly.
    static func fault(of document: OpaquePointer) -> String? {
        var level = 0
        var deepest = 0
        var linkBytes = 0
        CommonMarkTree.walk(document) { node, isEntering in
            guard CommonMarkTree.nests(node) else { return }
            level += isEntering ? 1 : -1
            deepest = max(deepest, level)
            if isEntering { linkBytes += CommonMarkTree.linkBytes(node) }
        }
        if deepest > depth { return tooDeep }
        return linkBytes > Self.linkBytes ? tooManyLinks : nil
    }

    /// The number of quote and list markers at the start of a line. A thematic break (`- - -`) has none.
    private static func markerCount(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        var index = 0
        while index < line.count {
            switch line[index] {
            case 0x20, 0x09: index += 1
            case UInt8(ascii: ">"):
                (count, index) = (count + 1, index + 1)
            case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "*"):
                guard isBlank(line, index + 1) else { return count }
                (count, index) = (count + 1, index + 1)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let end = line[index...].firstIndex { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") } ?? line.count
                guard end < line.count, ".)".utf8.contains(line[end]), isBlank(line, end + 1) else { return count }
                (count, index) = (count + 1, end + 1)
            default: return count
            }
        }
        return isBreak(line) ? 0 : count
    }

    private static func isBlank(_ line: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
        index >= line.count || line[index] == 0x20 || line[index] == 0x09
    }

    private static func isBreak(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let marker = line.first(where: { $0 != 0x20 && $0 != 0x09 }), "-*".utf8.contains(marker) else {
            return false
        }
        return line.allSatisfy { $0 == marker || $0 == 0x20 || $0 == 0x09 }
    }

    /// The upper bound for the length of a link definition (`[name]: address "title"`). A title may span several lines.
    private struct LongestDefinition {
        private(set) var length = 0
        private var paragraph = 0
        private var isOpen = false

        mutating func take(_ line: UnsafeBufferPointer<UInt8>) {
            guard line.contains(where: { $0 > 0x20 && $0 != UInt8(ascii: ">") }) else {
                (paragraph, isOpen) = (0, false)
                return
            }
            isOpen =
                isOpen || zip(line, line.dropFirst()).contains { $0 == UInt8(ascii: "]") && $1 == UInt8(ascii: ":") }
            guard isOpen else { return }
            let mayHaveTitle = paragraph > 0 || line.contains { "\"'(".utf8.contains($0) }
            paragraph += mayHaveTitle ? line.count : 0
            length = max(length, max(line.count, paragraph))
        }
    }
}
