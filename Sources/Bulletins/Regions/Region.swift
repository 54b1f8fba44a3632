/// A place in the tree of Indonesian administrative regions, named by its Kemendagri code.
///
/// `73` is a province, `73.71` a regency or city, `73.71.01` a district, `73.71.01.1001` a village,
/// and `ID` the whole country, the parent of every province. The code is kept as one number with a
/// fixed number of decimal digits for each level (`7371011001`), so that everything within a region
/// is one interval of numbers. That makes "contains" two comparisons instead of a comparison of
/// texts (`73.1` can be no ancestor of `73.10`), and lets an index of a database find all
/// descendants by range.
public struct Region: Sendable, Hashable, Comparable {
    /// The code's digits, ten of them, zeros for the levels below the region's own. `ID` is 0.
    public let rawValue: Int64

    /// The whole country, `ID`.
    public static let country = Region(unchecked: 0)

    /// How deep a region lies in the tree.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case country, province, regency, district, village

        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    private init(unchecked rawValue: Int64) { self.rawValue = rawValue }

    /// A region from its stored number; nil if the number is no region's (a level that is zero above
    /// one that is not, or out of range).
    public init?(rawValue: Int64) {
        guard (0..<10_000_000_000).contains(rawValue) else { return nil }
        var sawZero = false
        for level in 0..<4 {
            let part = Self.part(level, of: rawValue)
            if part == 0 { sawZero = true } else if sawZero { return nil }
        }
        self.rawValue = rawValue
    }

    /// A region from its dotted code. Undotted forms (those of BPS look alike) are no codes.
    public init?(_ code: some StringProtocol) {
        self.init(utf8: code.utf8)
    }

    /// The same from the bytes of a code.
    public init?(utf8 bytes: some Collection<UInt8>) {
        if bytes.elementsEqual("ID".utf8) {
            self = .country
            return
        }
        var level = 0
        var digits = 0
        var part: Int64 = 0
        var value: Int64 = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard digits == Self.width(level), part > 0, level < 3 else { return nil }
                value += part * Self.unit(level)
                level += 1
                digits = 0
                part = 0
            } else {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < Self.width(level)
                else { return nil }
                part = part * 10 + Int64(byte - UInt8(ascii: "0"))
                digits += 1
            }
        }
        guard digits == Self.width(level), part > 0 else { return nil }
        self.rawValue = value + part * Self.unit(level)
    }

    /// What one step at a level below the country is worth in `rawValue`; 0 for a province. A switch,
    /// since a look-up in an array costs more than all the rest when 91,599 codes are read at start.
    private static func unit(_ level: Int) -> Int64 {
        switch level {
        case 0: 100_000_000
        case 1: 1_000_000
        case 2: 10_000
        default: 1
        }
    }

    /// How many digits a level has.
    private static func width(_ level: Int) -> Int { level == 3 ? 4 : 2 }

    /// The digits of one level of a number.
    private static func part(_ level: Int, of rawValue: Int64) -> Int64 {
        rawValue / unit(level) % (level == 3 ? 10_000 : 100)
    }

    public var level: Level {
        if rawValue == 0 { return .country }
        if rawValue % 100_000_000 == 0 { return .province }
        if rawValue % 1_000_000 == 0 { return .regency }
        return rawValue % 10_000 == 0 ? .district : .village
    }

    /// The region one level up; nil for the country.
    public var parent: Region? {
        switch level {
        case .country: nil
        case .province: .country
        case .regency: Region(unchecked: rawValue - rawValue % 100_000_000)
        case .district: Region(unchecked: rawValue - rawValue % 1_000_000)
        case .village: Region(unchecked: rawValue - rawValue % 10_000)
        }
    }

    /// The numbers of everything within this region, itself included.
    public var interval: ClosedRange<Int64> {
        switch level {
        case .country: 0...9_999_999_999
        case .province: rawValue...(rawValue + 99_999_999)
        case .regency: rawValue...(rawValue + 999_999)
        case .district: rawValue...(rawValue + 9_999)
        case .village: rawValue...rawValue
        }
    }

    /// Whether `other` is this region or lies within it.
    public func contains(_ other: Region) -> Bool { interval.contains(other.rawValue) }

    /// Whether one of the two contains the other.
    public func isOnOnePath(with other: Region) -> Bool {
        contains(other) || other.contains(self)
    }

    /// The regions from the country down to this one, both included.
    public var path: [Region] { ancestors.reversed() + [self] }

    /// The regions that contain this one, nearest first, itself left out.
    public var ancestors: [Region] {
        var found: [Region] = []
        var next = parent
        while let region = next {
            found.append(region)
            next = region.parent
        }
        return found
    }

    public static func < (a: Region, b: Region) -> Bool { a.rawValue < b.rawValue }
}

extension Region: CustomStringConvertible {
    /// The dotted Kemendagri code, or `ID`.
    public var code: String {
        if rawValue == 0 { return "ID" }
        var text = ""
        for level in 0..<4 {
            let part = Self.part(level, of: rawValue)
            if part == 0 { break }
            if level > 0 { text += "." }
            text += padded(Int(part), Self.width(level))
        }
        return text
    }

    public var description: String { code }
}
