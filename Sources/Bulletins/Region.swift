/// A node in the tree of Indonesia's administrative regions, identified by its Kemendagri code.
///
/// `73` is a province, `73.71` a regency or city, `73.71.01` a district, `73.71.01.1001` a village, and `ID` the whole
/// country, the parent of every province.
///
/// The code is stored as a number with a fixed count of decimal digits per level (`7371011001`), so that a region and
/// everything within it is one interval of numbers. Containment is two comparisons, and a database finds all
/// descendants by a range of its index. A comparison of texts would be slower and error-prone: `73.1` is not an
/// ancestor of `73.10`.
public struct Region: Sendable, Hashable, Comparable {
    /// The ten digits of the code, with zeros for the levels below the region's own. `ID` is 0.
    public let rawValue: Int64

    /// The whole country, `ID`.
    public static let country = Region(unchecked: 0)

    /// The level of a region in the tree.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case country, province, regency, district, village

        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    private init(unchecked rawValue: Int64) { self.rawValue = rawValue }

    /// Restores a region from its stored number. Returns nil if no region can have the number: it is out of range, or a
    /// level is zero while one below it is not.
    public init?(rawValue: Int64) {
        guard (0..<10_000_000_000).contains(rawValue) else { return nil }
        var sawZero = false
        for level in 0..<4 {
            let part = Self.part(level, of: rawValue)
            if part == 0 { sawZero = true } else if sawZero { return nil }
        }
        self.rawValue = rawValue
    }

    /// Parses a dotted code. Undotted codes are rejected, because those of BPS, the statistics office, look the same
    /// and mean other regions.
    public init?(_ code: some StringProtocol) {
        self.init(utf8: code.utf8)
    }

    /// Parses the bytes of a dotted code.
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

    /// The value of one step at a level in `rawValue`; level 0 is the province. A switch, because an array lookup would
    /// dominate the time to read 91,599 codes at the start.
    private static func unit(_ level: Int) -> Int64 {
        switch level {
        case 0: 100_000_000
        case 1: 1_000_000
        case 2: 10_000
        default: 1
        }
    }

    /// The number of digits at a level.
    private static func width(_ level: Int) -> Int { level == 3 ? 4 : 2 }

    /// The digits of one level.
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

    /// The numbers of the region and everything within it.
    public var interval: ClosedRange<Int64> {
        switch level {
        case .country: 0...9_999_999_999
        case .province: rawValue...(rawValue + 99_999_999)
        case .regency: rawValue...(rawValue + 999_999)
        case .district: rawValue...(rawValue + 9_999)
        case .village: rawValue...rawValue
        }
    }

    /// Whether `other` is this region or is within it.
    public func contains(_ other: Region) -> Bool { interval.contains(other.rawValue) }

    /// Whether one of the two regions contains the other.
    public func isOnOnePath(with other: Region) -> Bool {
        contains(other) || other.contains(self)
    }

    /// The regions from the country down to this one, including both.
    public var path: [Region] { ancestors.reversed() + [self] }

    /// The regions that contain this one, nearest first, without the region itself.
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
