/// Enhanced status codes at the beginning of a reply's text (RFC 2034 section 4, RFC 3463 section 2).
enum EnhancedCode {
    /// The code, when it is of the same class as the reply, and the text behind it.
    static func split(_ text: String, code: Int) -> (code: String?, text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = words.first, isCode(first, class: code / 100) else { return (nil, text) }
        return (String(first), words.count > 1 ? String(words[1]) : "")
    }

    private static func isCode(_ word: Substring, class wanted: Int) -> Bool {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\(wanted)" else { return false }
        return parts[1...].allSatisfy { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (48...57).contains($0) }
        }
    }
}
