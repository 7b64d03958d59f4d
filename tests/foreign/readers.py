"""Other packages' readers, brought to the program's axes: [images, channels, rows, columns] of what a file holds.

reader_of(path) is the function for a file, or None; it is given the path and the program's report, None where the program
refuses the file, and raises what its package raises.
"""
import os

import nibabel
import numpy as np
import pydicom
import pydicom.pixels
import tifffile
from PIL import Image

LPS = np.diag([-1.0, -1, 1, 1])


def planes_of(voxels, affine, report):
    """Voxels [x, y, z, further ...] with the affine of their first three axes: slices along the program's axis 2, or the
    one picture; colours are the last of five or more dimensions, as `structured` has them."""
    colours = voxels.ndim == 5
    if not colours:
        voxels = voxels[..., None]  # [x, y, z, t, c]
    axes = nibabel.io_orientation(affine)
    turned = nibabel.apply_orientation(voxels, axes)[::-1, ::-1]  # to the left, to posterior, to superior
    if report["kind"] == "volume":
        return turned.transpose(3, 2, 4, 1, 0).reshape(-1, turned.shape[4], turned.shape[1], turned.shape[0])
    through = int(axes[2, 0])
    turned = turned[:, :, ::-1]  # superior at the top
    rows, columns = [axis for axis in (2, 1, 0) if axis != through]
    return turned.transpose(through, 3, 4, rows, columns)[0]


def structured(voxels):
    """Colours as a fifth axis, without alpha, and what is beyond the third axis as the fourth."""
    colours = voxels.dtype.names is not None
    if colours:
        voxels = np.stack([voxels[name] for name in "RGB"], -1)
    space = voxels.shape[:3] + (1,) * (3 - min(3, voxels.ndim - colours))
    if colours:
        return voxels.reshape(*space, -1, 3, order="F")
    return voxels.reshape(*space, -1, order="F")


def read_nibabel(path, report):
    image = nibabel.load(path)
    affine = image.affine
    header = image.header
    if isinstance(header, nibabel.Nifti1Header) and not header["sform_code"] and not header["qform_code"]:
        affine = np.eye(4)  # method 1; nibabel takes it for radiological
    return planes_of(structured(np.asanyarray(image.dataobj)), affine, report or {"kind": "volume"})


def read_pydicom(path, report):
    data = pydicom.dcmread(path)
    pixels = data.pixel_array
    samples = data.SamplesPerPixel
    if data.PhotometricInterpretation == "PALETTE COLOR":
        pixels, samples = pydicom.pixels.apply_color_lut(pixels, data), 3
    if data.PhotometricInterpretation == "MONOCHROME1":
        pixels = (~pixels if data.PixelRepresentation else (1 << data.BitsStored) - 1 - pixels).astype(pixels.dtype)
    if data.get("RescaleSlope", 1) != 1 or data.get("RescaleIntercept", 0) != 0:
        pixels = pixels * float(data.RescaleSlope) + float(data.RescaleIntercept)
    frames = pixels.reshape(-1, data.Rows, data.Columns, samples)
    voxels = frames.transpose(2, 1, 0, 3)[:, :, :, None, :]
    affine = LPS.copy()
    if "ImageOrientationPatient" in data:
        direction = np.array(data.ImageOrientationPatient, float).reshape(2, 3)
        affine[:3, :2] = (LPS[:3, :3] @ direction.T)
        offsets = data.get("GridFrameOffsetVector", [0, 1])
        affine[:3, 2] = LPS[:3, :3] @ np.cross(*direction) * np.sign(offsets[1] - offsets[0])
    return planes_of(voxels if samples > 1 else voxels[..., 0], affine, report or {"kind": "volume"})


def channels_first(picture):
    """[1, channels, rows, columns] of a picture, without its alpha."""
    if picture.ndim == 2:
        return picture[None, None]
    channels = picture.shape[2]
    return picture[..., :channels - 1 if channels in (2, 4) else channels].transpose(2, 0, 1)[None]


def read_png(path, _):
    with open(path, "rb") as file:
        deep = file.read(25)[24:] == b"\x10"
    if deep:
        import imagecodecs  # Pillow brings colours of 16 bits to 8
        with open(path, "rb") as file:
            return channels_first(imagecodecs.png_decode(file.read()))
    with Image.open(path) as image:
        if image.mode in ("P", "PA"):
            image = image.convert("RGB")
        return channels_first(np.asarray(image))


def read_tiff(path, report):
    pages = []
    with tifffile.TiffFile(path) as file:
        for page in file.pages:
            if len(pages) == 1000:
                raise ValueError("tifffile follows directories that form a loop")
            if page.subfiletype & 5:  # a smaller copy, or a mask
                continue
            if not isinstance(page.planarconfig, int):
                raise ValueError("tifffile takes a planar configuration of type BYTE for separate planes")
            pixels = page.asarray()
            if page.tags.valueof("PhotometricInterpretation") == tifffile.PHOTOMETRIC.MINISWHITE:
                pixels = (1 << page.bitspersample) - 1 - pixels if pixels.dtype != bool else ~pixels
            if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
                indices = pixels if pixels.ndim == 2 else pixels[..., 0]
                pixels = page.colormap[:, indices.astype(int)].transpose(1, 2, 0)
                if report and report["type"] == "u8":
                    pixels = pixels >> 8
            if page.axes.startswith("S"):
                pixels = pixels.transpose(1, 2, 0)
            alphas = sum(kind in (1, 2) for kind in page.tags.valueof("ExtraSamples") or ())
            if pixels.ndim == 3 and page.photometric != tifffile.PHOTOMETRIC.PALETTE:
                pixels = pixels[..., :pixels.shape[2] - alphas]
            kept = pixels
            orientation = page.tags.valueof("Orientation", default=1)
            kept = kept[::-1] if orientation in (3, 4, 7, 8) else kept
            kept = kept[:, ::-1] if orientation in (2, 3, 6, 7) else kept
            if orientation > 4:
                kept = kept.swapaxes(0, 1)
                kept = kept[::-1, ::-1] if orientation in (6, 8) else kept
            pages.append(kept[None, None] if kept.ndim == 2 else kept.transpose(2, 0, 1)[None])
    return np.concatenate(pages)


def read_npy(path, report):
    array = np.load(path)
    if array.dtype.kind not in "buif":
        raise TypeError(f"no real numbers: {array.dtype}")
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4):
        return channels_first(array)
    return {2: lambda: array[None, None], 3: lambda: array.transpose(2, 0, 1)[:, None], 4: lambda: array}[array.ndim]()


READERS = {".nii": read_nibabel, ".nii.gz": read_nibabel, ".hdr": read_nibabel, ".img": read_nibabel, ".mgh": read_nibabel,
           ".mgz": read_nibabel, ".dcm": read_pydicom, ".png": read_png, ".tif": read_tiff, ".tiff": read_tiff,
           ".npy": read_npy}


def reader_of(path):
    known = next((reader for ending, reader in READERS.items() if path.lower().endswith(ending)), None)
    if known or os.path.splitext(path)[1]:
        return known
    with open(path, "rb") as file:  # DICOM files on a disc have no ending
        return read_pydicom if file.read(132)[128:] == b"DICM" else None
