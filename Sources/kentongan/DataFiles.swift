import Bulletins
import Foundation

/// Reads the registries' files: from `KENTONGAN_DATA_REGIONS` and `KENTONGAN_DATA_FIELDS`, else from
/// `config/data` below the working directory.
enum DataFiles {
    static func regions() throws -> RegionTree {
        let file = path(of: "KENTONGAN_DATA_REGIONS", default: "config/data/regions.csv")
        return try RegionTree(csv: bytes(of: file), file: file)
    }

    static func fields() throws -> FieldRegistry {
        let file = path(of: "KENTONGAN_DATA_FIELDS", default: "config/data/fields.csv")
        return try FieldRegistry(csv: bytes(of: file), file: file)
    }

    private static func path(of variable: String, default file: String) -> String {
        ProcessInfo.processInfo.environment[variable] ?? file
    }

    private static func bytes(of file: String) throws(DataFileError) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else { throw .unreadable(file) }
        return Array(data)
    }
}

/// A registry's file that is not there.
enum DataFileError: Error, CustomStringConvertible {
    case unreadable(String)

    var description: String {
        switch self {
        case .unreadable(let file):
            "\(file) cannot be read; start in the project's folder, or set KENTONGAN_DATA_REGIONS and KENTONGAN_DATA_FIELDS"
        }
    }
}
