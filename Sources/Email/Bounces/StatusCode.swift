/// Finds status codes in the texts of mail servers.
enum StatusCode {
    /// The first enhanced code of a failure (RFC 3463), or else the class of the first reply code (RFC 5321 section
    /// 4.2.3) as `5.0.0` or `4.0.0`.
    static func find(in text: String) -> String? {
        enhanced(in: text) ?? replyClass(in: text)
    }

    /// Whether the code says only "permanent" or "transient".
    static func isGeneral(_ code: String) -> Bool { code.hasSuffix(".0.0") }

    /// Whether the code leaves the reason open: an unspecified problem of its subject, or an expired time limit.
    static func isVague(_ code: String) -> Bool { code.hasSuffix(".0") || code.hasSuffix(".4.7") }

    /// The first code that gives a reason.
    static func specific(in text: String) -> String? {
        words(text).first { isEnhanced($0) && !isVague($0) }
    }

    static func enhanced(in text: String) -> String? { words(text).first(where: isEnhanced) }

    private static func isEnhanced(_ word: String) -> Bool {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "4" || parts[0] == "5" else { return false }
        return parts.dropFirst().allSatisfy { (1...3).contains($0.count) }
    }

    private static func replyClass(in text: String) -> String? {
        words(text).first { replies.contains(Int($0) ?? 0) && $0.count == 3 }.map { "\($0.prefix(1)).0.0" }
    }

    /// Other numbers of three digits may be years, ports or counts.
    private static let replies: Set<Int> = [
        421, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504, 510, 511, 512, 521, 523, 530, 535, 541, 550, 551, 552,
        553,
        554, 555, 556, 557, 571,
    ]

    /// The numbers with dots between them, without the full stop of a sentence. Numbers inside names of hosts and
    /// messages are skipped.
    private static func words(_ text: String) -> [String] {
        text.split { !isOfWord($0) }.filter { $0.allSatisfy { $0.isASCII && $0.isNumber || $0 == "." || $0 == "-" } }
            // The first lines of a reply begin like `550-5.1.1`.
            .flatMap { $0.split(separator: "-") }.map { String($0.last == "." ? $0.dropLast() : $0) }
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || ".-@_+".contains(character))
    }
}
