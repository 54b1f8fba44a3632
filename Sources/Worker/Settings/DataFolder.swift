import Foundation

/// Where the registries lie when no setting says so: in the working folder, or beside the program.
enum DataFolder {
    private static let inProject = "config/data"
    private static let installed = "share/kentongan/data"

    /// A program that was built finds its project's data, one that was installed under PREFIX/bin finds
    /// PREFIX/share, whatever folder it is started in.
    static var path: String {
        if isThere(inProject) { return inProject }
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            for name in [inProject, installed] {
                let candidate = folder.appending(path: name).path
                if isThere(candidate) { return candidate }
            }
        }
        return inProject
    }

    private static func isThere(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: folder + "/regions.csv")
    }
}
