/// Finds the known name that a misspelt one was probably meant to be.
enum NearestName {
    /// The nearest of `names`, unless even that differs in more than a third of its characters.
    static func of(_ text: String, among names: some Sequence<String>) -> String? {
        let found = names.map { (name: $0, distance: distance(text.lowercased(), $0.lowercased())) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let found, found.distance <= max(1, min(text.count, found.name.count) / 3) else { return nil }
        return found.name
    }

    /// The number of characters to insert, remove or replace (Levenshtein). Two characters that changed places count as
    /// one.
    private static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.unicodeScalars.prefix(80)), Array(other.unicodeScalars))
        var rows = [Array(0...other.count)]
        for (index, scalar) in one.enumerated() {
            var row = [index + 1]
            for (place, candidate) in other.enumerated() {
                var cost = min(
                    row[place] + 1, rows[index][place + 1] + 1, rows[index][place] + (scalar == candidate ? 0 : 1))
                if index > 0, place > 0, scalar == other[place - 1], one[index - 1] == candidate {
                    cost = min(cost, rows[index - 1][place - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
