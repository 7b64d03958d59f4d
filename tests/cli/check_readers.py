#!/usr/bin/env python3
"""Compares what the program reads with what other readers do: check_readers.py PROGRAM

Random volumes in every format are written by another library (SimpleITK; nibabel for MGH; pydicom for DICOM, whose files
SimpleITK reads, by GDCM), read by it again, turned by it to the standard axes, and mapped by NumPy; the program's .npy must
have the same numbers. BATCHVIEW_SEED repeats a run.
"""
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import nibabel
    import numpy as np
    import pydicom
    import pydicom.data
    import SimpleITK as sitk
except ImportError as error:
    sys.exit(f"check_readers: {error}; scripts/setup.sh test installs it into .venv")

SEED = int(os.environ.get("BATCHVIEW_SEED", random.SystemRandom().randrange(2**32)))
numbers = np.random.default_rng(SEED)
print(f"BATCHVIEW_SEED={SEED}")

KINDS = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64)


def smallest_to_largest(pixels):
    """--minmax --foreground all, slice by slice, in the map's type."""
    kind = np.float64 if pixels.dtype in (np.int32, np.uint32, np.float64) else np.float32
    planes = []
    for plane in pixels:
        lo, hi = kind(plane.min()), kind(plane.max())
        y = np.clip((plane.astype(kind) - lo) / ((hi - lo) + kind(1e-8)), kind(0), kind(1))
        y[y < kind(1e-3)] = 0
        planes.append(y.astype(np.float32))
    return np.stack(planes)


def run(path, *options):
    out = path + ".npy"
    done = subprocess.run([sys.argv[1], path, "-o", out, "--minmax", "--foreground", "all", "--json", *options],
                          capture_output=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, (path, options, done.stderr.decode())
    return np.load(out), json.loads(done.stdout)["inputs"][0]


def itk_volumes(path):
    """[[D, H, W]], one for each component of a vector: inferior to superior, anterior to posterior, the patient's right to
    left; and H's, W's, D's spacing."""
    turned = sitk.DICOMOrient(sitk.ReadImage(path), "LPS")
    x, y, z = turned.GetSpacing()
    pixels = sitk.GetArrayFromImage(turned)
    return [pixels] if pixels.ndim == 3 else list(np.moveaxis(pixels, 3, 0)), (y, x, z)


def nibabel_volumes(path):
    """The same, one for each frame."""
    turned = nibabel.as_closest_canonical(nibabel.load(path))
    frames = np.asarray(turned.dataobj)
    x, y, z = turned.header.get_zooms()[:3]
    series = frames if frames.ndim == 4 else frames[..., None]
    return list(series.transpose(3, 2, 1, 0)[:, :, ::-1, ::-1]), (y, x, z)


def views_of(volume):
    """The slices along each axis of the program's, as it shows them."""
    return {0: volume.transpose(1, 0, 2)[:, ::-1], 1: volume.transpose(2, 0, 1)[:, ::-1], 2: volume}


def random_pixels(kind, shape):
    if kind in (np.float32, np.float64):
        return numbers.normal(0, 1000, shape).astype(kind)
    return numbers.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, kind, endpoint=True)


def random_itk(kind, direction):
    vector = numbers.integers(4) == 0
    shape = [*numbers.integers(2, 9, 3), *([2] if vector else [])]
    image = sitk.GetImageFromArray(random_pixels(kind, shape), isVector=vector)
    image.SetSpacing([float(x) for x in numbers.uniform(0.5, 3, 3)])
    image.SetOrigin([float(x) for x in numbers.uniform(-100, 100, 3)])
    image.SetDirection([float(x) for x in direction.ravel()])
    return image


def directions():
    """The 24 turns of the axes, each also a little oblique: ITK has no mirrored ones."""
    angle = 0.2
    tilt = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[order, range(3)] = signs
            if np.linalg.det(matrix) > 0:
                yield matrix
                yield tilt @ matrix


def check_volumes(path, volumes, spacing):
    for axis in range(3):
        view = np.concatenate([views_of(volume)[axis] for volume in volumes])
        found, report = run(path, "--axis", str(axis), "--slice", "all")
        expected = smallest_to_largest(view)
        assert found.shape == (len(view), 1, *view.shape[1:]), (path, axis, found.shape, view.shape)
        assert np.array_equal(found[:, 0], expected), (path, axis, np.abs(found[:, 0] - expected).max())
        assert report["oriented"] and np.allclose(report["spacing"], spacing, rtol=1e-5), (path, report, spacing)


def check_itk(folder, ending):
    """Volumes of every type and orientation, compressed and not."""
    count = 0
    kinds = itertools.cycle(KINDS)
    for direction in directions():
        for compressed in (False, True):
            path = os.path.join(folder, f"{count}{ending}")
            sitk.WriteImage(random_itk(next(kinds), direction), path, compressed)
            check_volumes(path, *itk_volumes(path))
            count += 1
    print(f"{ending}: {count} volumes agree")


def check_mgh(folder):
    """The same, with frames; an MGH volume can be mirrored."""
    count = 0
    kinds = itertools.cycle((np.uint8, np.int16, np.uint16, np.int32, np.float32))
    for direction in directions():
        for ending, mirror in (".mgh", 1), (".mgz", -1):
            frames = [int(numbers.integers(2, 4))] if count % 3 == 0 else []
            affine = np.eye(4)
            affine[:3, :3] = direction * numbers.uniform(0.5, 3, 3) * (1, 1, mirror)
            affine[:3, 3] = numbers.uniform(-100, 100, 3)
            path = os.path.join(folder, f"{count}{ending}")
            pixels = random_pixels(next(kinds), [*numbers.integers(2, 9, 3), *frames])
            nibabel.save(nibabel.MGHImage(pixels, affine), path)
            check_volumes(path, *nibabel_volumes(path))
            count += 1
    print(f".mgh, .mgz: {count} volumes agree")


def write_slice(path, pixels, position, direction, spacing, syntax, attributes):
    """One slice of a series."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian if syntax.is_compressed else syntax
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    slice_ = pydicom.Dataset()
    slice_.file_meta = meta
    slice_.SOPClassUID, slice_.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    slice_.Modality = "CT"
    slice_.Rows, slice_.Columns = pixels.shape
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.BitsAllocated = slice_.BitsStored = 8 * pixels.itemsize
    slice_.HighBit = slice_.BitsStored - 1
    slice_.PixelRepresentation = int(pixels.dtype.kind == "i")
    slice_.ImagePositionPatient = [f"{x:.9g}" for x in position]
    slice_.ImageOrientationPatient = [f"{x:.9g}" for x in direction[:, :2].T.ravel()]
    slice_.PixelSpacing = [f"{x:.9g}" for x in (spacing[1], spacing[0])]
    for name, value in attributes.items():
        setattr(slice_, name, value)
    order = ">" if not syntax.is_little_endian else "<"
    slice_.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    slice_["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    if syntax.is_compressed:
        slice_.compress(syntax, encoding_plugin="pydicom", generate_instance_uid=False)
    slice_.save_as(path, enforce_file_format=True)


def dicom_volumes(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    turned = sitk.DICOMOrient(reader.Execute(), "LPS")
    x, y, z = turned.GetSpacing()
    return [sitk.GetArrayFromImage(turned)], (y, x, z)


def check_dicom(folder):
    """Series of every orientation, whose files have no order, half of them rescaled. GDCM takes RLE for damaged that has
    rows of a few pixels: it is given the same pixels uncompressed."""
    kinds = itertools.cycle((np.uint8, np.int16, np.uint16))
    syntaxes = itertools.cycle((pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian,
                                pydicom.uid.ExplicitVRBigEndian, pydicom.uid.RLELossless))
    for count, direction in enumerate(directions()):
        volume = random_pixels(next(kinds), numbers.integers(2, 9, 3))
        spacing, origin = numbers.uniform(0.5, 3, 3), numbers.uniform(-100, 100, 3)
        syntax, scaled = next(syntaxes), count % 3 == 0
        attributes = {"SeriesInstanceUID": pydicom.uid.generate_uid(), "StudyInstanceUID": pydicom.uid.generate_uid()}
        if scaled:
            attributes.update(RescaleSlope="0.125", RescaleIntercept="-1024")
        ours, plain = os.path.join(folder, f"series{count}"), os.path.join(folder, f"plain{count}")
        for path, written in (ours, syntax), (plain, pydicom.uid.ExplicitVRLittleEndian):
            os.mkdir(path)
            for name, k in enumerate(numbers.permutation(len(volume))):
                attributes["InstanceNumber"] = int(numbers.integers(1000))
                write_slice(os.path.join(path, f"{name}.dcm"), volume[k], origin + direction[:, 2] * spacing[2] * k,
                            direction, spacing, written, attributes)
        volumes, distances = dicom_volumes(plain if syntax.is_compressed else ours)
        check_volumes(ours, [one.astype(np.float32 if scaled else volume.dtype) for one in volumes], distances)
    print(f"DICOM series: {count + 1} volumes agree")


def check_jpeg():
    """Files of pydicom's that are JPEG Baseline, Extended and Lossless, and JPEG-LS, beside GDCM."""
    version = subprocess.run([sys.argv[1], "--version"], capture_output=True, check=True).stdout.decode()
    if "JPEG in DICOM files: by DCMTK" not in version:
        print("DICOM with JPEG: not compared, the program was built without DCMTK")
        return
    names = ("JPGExtended", "JPEG-lossy", "SC_rgb_jpeg_dcmtk", "SC_rgb_dcmtk_+eb+cy+np", "SC_rgb_dcmtk_+eb+cr",
             "SC_rgb_jpeg_gdcm", "MR_small_jpeg_ls_lossless", "JPEGLSNearLossless_08", "JPEGLSNearLossless_16",
             "SC_rgb_jls_lossy_line")
    with tempfile.TemporaryDirectory(prefix="batchview-readers-") as folder:
        for name in names:
            path = os.path.join(folder, name + ".dcm")
            os.symlink(pydicom.data.get_testdata_file(name + ".dcm"), path)
            found, _ = run(path)
            expected = sitk.GetArrayFromImage(sitk.ReadImage(path))[0]
            planes = expected[None] if expected.ndim == 2 else np.moveaxis(expected, 2, 0)
            assert np.array_equal(found.reshape(planes.shape), smallest_to_largest(planes)), name
    print(f"DICOM with JPEG: {len(names)} files agree")


def main():
    with tempfile.TemporaryDirectory(prefix="batchview-readers-") as folder:
        for ending in (".nrrd", ".nhdr", ".mha", ".mhd"):
            check_itk(folder, ending)
        check_mgh(folder)
        check_dicom(folder)
        check_jpeg()


main()
