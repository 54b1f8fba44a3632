/// One of Indonesia's three time zones. None has daylight saving time, so each is a fixed offset.
public enum TimeZoneID: String, Sendable, CaseIterable {
    case wib = "WIB"
    case wita = "WITA"
    case wit = "WIT"

    /// Seconds east of UTC.
    public var offset: Int64 {
        switch self {
        case .wib: 7 * 3600
        case .wita: 8 * 3600
        case .wit: 9 * 3600
        }
    }

    /// The abbreviation that follows a time of day, for example `18.00 WIB`.
    public var abbreviation: String { rawValue }
}

/// The time zone of each province. The country as a whole is in WIB, the zone of Jakarta.
public struct TimeZones: Sendable {
    private var byProvince: [Region: TimeZoneID] = [:]

    /// Reads the columns `region,timezone,abbreviation,utc_offset`, one row per province.
    public init(csv bytes: [UInt8], file: String = "timezones.csv") throws(RegistryError) {
        var reader = CSVReader(bytes)
        _ = reader.next()
        while let row = reader.next() {
            guard row.count >= 3, let province = Region(utf8: reader.bytes(row[0])),
                let zone = TimeZoneID(rawValue: reader.text(row[2]))
            else {
                throw .badRow(file: file, line: reader.line, problem: "the row is not region,timezone,WIB|WITA|WIT")
            }
            byProvince[province] = zone
        }
        guard !byProvince.isEmpty else { throw .empty(file: file) }
    }

    /// The time zone of the region.
    public func zone(of region: Region) -> TimeZoneID {
        guard let province = region.path.dropFirst().first else { return .wib }
        return byProvince[province] ?? .wib
    }
}
